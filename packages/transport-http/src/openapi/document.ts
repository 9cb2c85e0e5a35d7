import type { JsonSchema } from '@tenon/core/contract'

/** An OpenAPI document as plain data: `JSON.stringify` of it is what a server answers. @see OpenAPI Specification 3.1, section 4 */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: OpenApiInfo
  readonly jsonSchemaDialect: string
  readonly servers: readonly OpenApiServer[]
  readonly tags: readonly OpenApiTag[]
  /** Sorted by path, then by method. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: Components
}

/** @see OpenAPI 3.1, info object */
export interface OpenApiInfo {
  readonly title: string
  readonly version: string
  readonly summary?: string
  readonly description?: string
  readonly termsOfService?: string
  readonly contact?: { readonly name?: string; readonly url?: string; readonly email?: string }
  readonly license?: { readonly name: string; readonly identifier?: string; readonly url?: string }
}

/** @see OpenAPI 3.1, server object */
export interface OpenApiServer {
  readonly url: string
  readonly description?: string
}

/** @see OpenAPI 3.1, tag object */
export interface OpenApiTag {
  readonly name: string
  readonly description?: string
}

/** A way for callers to show who they are, as OpenAPI has it. @see OpenAPI 3.1, security scheme object */
export interface SecurityScheme {
  readonly type: 'apiKey' | 'http' | 'mutualTLS' | 'oauth2' | 'openIdConnect'
  readonly [field: string]: unknown
}

/** Names of schemes, all of them needed, each with the scopes it must carry. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>

export interface OperationObject {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly deprecated?: true
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: RequestBody
  /** By status; `2XX` for any success. */
  readonly responses: Readonly<Record<string, Reply | Reference>>
  readonly security: readonly SecurityRequirement[]
  /** Any one of them suffices. */
  readonly 'x-required-roles'?: readonly string[]
  /** All of them are needed. */
  readonly 'x-required-scopes'?: readonly string[]
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly description?: string
  readonly required?: true
  readonly deprecated?: true
  readonly style?: string
  readonly explode?: boolean
  readonly schema: JsonSchema
  readonly examples?: Readonly<Record<string, unknown>>
}

export interface RequestBody {
  readonly description?: string
  readonly required: boolean
  readonly content: Content
}

export interface Reply {
  readonly description: string
  readonly headers?: Readonly<Record<string, Header>>
  readonly content?: Content
}

export interface Header {
  readonly description: string
  readonly required?: true
  readonly schema: JsonSchema
}

/** By media type. */
export type Content = Readonly<Record<string, MediaType>>

export interface MediaType {
  /** Of the whole content, or of one record of a stream, for which OpenAPI has a field of its own from 3.2 on. */
  readonly schema?: JsonSchema
  readonly examples?: Readonly<Record<string, unknown>>
}

export interface Reference {
  readonly $ref: string
}

export interface Components {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly responses: Readonly<Record<string, Reply>>
  readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>
}
