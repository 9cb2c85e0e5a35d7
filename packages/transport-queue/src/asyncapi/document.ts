import type { JsonSchema } from '@tenon/core/contract'

/** An AsyncAPI document as plain data. @see AsyncAPI Specification 3.0.0 */
export interface AsyncApiDocument {
  readonly asyncapi: '3.0.0'
  readonly info: AsyncApiInfo
  /** By name, sorted. */
  readonly servers?: Readonly<Record<string, AsyncApiServerObject>>
  readonly defaultContentType: string
  /** By topic, sorted. */
  readonly channels: Readonly<Record<string, AsyncApiChannel>>
  /** By id, sorted. */
  readonly operations: Readonly<Record<string, AsyncApiOperation>>
  readonly components: AsyncApiComponents
}

/** @see AsyncAPI 3.0.0, info object */
export interface AsyncApiInfo {
  readonly title: string
  readonly version: string
  readonly description?: string
  readonly termsOfService?: string
  readonly contact?: { readonly name?: string; readonly url?: string; readonly email?: string }
  readonly license?: { readonly name: string; readonly url?: string }
  readonly tags?: readonly AsyncApiTag[]
}

/** @see AsyncAPI 3.0.0, tag object */
export interface AsyncApiTag {
  readonly name: string
  readonly description?: string
}

/** @see AsyncAPI 3.0.0, server object */
export interface AsyncApiServerObject {
  readonly host: string
  readonly protocol: string
  readonly protocolVersion?: string
  readonly description?: string
  readonly security?: readonly Reference[]
}

/**
 * A way for clients to show who they are to a broker, of those that Kafka has: a password by SASL, OAUTHBEARER, or a certificate.
 *
 * @see AsyncAPI 3.0.0, security scheme object
 */
export type AsyncApiSecurityScheme = AsyncApiPlainScheme | AsyncApiOauthScheme

export interface AsyncApiPlainScheme {
  readonly type: 'plain' | 'scramSha256' | 'scramSha512' | 'X509'
  readonly description?: string
}

/** SASL with OAUTHBEARER: where its tokens come from. */
export interface AsyncApiOauthScheme {
  readonly type: 'oauth2'
  readonly description?: string
  readonly flows: {
    readonly implicit?: Omit<AsyncApiFlow, 'tokenUrl'>
    readonly password?: Omit<AsyncApiFlow, 'authorizationUrl'>
    readonly clientCredentials?: Omit<AsyncApiFlow, 'authorizationUrl'>
    readonly authorizationCode?: AsyncApiFlow
  }
  /** Those that are needed. */
  readonly scopes?: readonly string[]
}

/** @see AsyncAPI 3.0.0, OAuth flow object */
export interface AsyncApiFlow {
  readonly authorizationUrl: string
  readonly tokenUrl: string
  readonly refreshUrl?: string
  /** What each is for, by name. */
  readonly availableScopes: Readonly<Record<string, string>>
}

/** A topic. @see AsyncAPI 3.0.0, channel object; Kafka bindings 0.5.0 */
export interface AsyncApiChannel {
  readonly address: string
  readonly description?: string
  /** Where it is; absent for all servers. */
  readonly servers?: readonly Reference[]
  readonly messages: Readonly<Record<string, AsyncApiMessage>>
  readonly tags?: readonly AsyncApiTag[]
  readonly bindings: { readonly kafka: { readonly topic: string; readonly partitions?: number } & KafkaBinding }
}

/** @see AsyncAPI 3.0.0, operation object; Kafka bindings 0.5.0 */
export interface AsyncApiOperation {
  readonly action: 'send' | 'receive'
  readonly channel: Reference
  readonly messages: readonly Reference[]
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly AsyncApiTag[]
  readonly 'x-deprecated'?: true
  readonly bindings?: { readonly kafka: { readonly groupId: JsonSchema } & KafkaBinding }
}

/** @see AsyncAPI 3.0.0, message object; Kafka bindings 0.5.0 */
export interface AsyncApiMessage {
  readonly name: string
  readonly summary?: string
  readonly description?: string
  readonly contentType?: string
  readonly headers: JsonSchema
  readonly payload?: JsonSchema
  /** What the schema says in JSON, in the words of another format that the payload is written in. */
  readonly 'x-payload-format'?: { readonly name: string; readonly message: string; readonly definition?: string }
  readonly tags?: readonly AsyncApiTag[]
  readonly examples?: readonly { readonly name?: string; readonly summary?: string; readonly payload: unknown }[]
  readonly 'x-deprecated'?: true
  readonly bindings: { readonly kafka: { readonly key: JsonSchema } & KafkaBinding }
}

export interface KafkaBinding {
  readonly bindingVersion: '0.5.0'
}

export interface AsyncApiComponents {
  readonly schemas: Readonly<Record<string, JsonSchema>>
  readonly securitySchemes?: Readonly<Record<string, AsyncApiSecurityScheme>>
}

export interface Reference {
  readonly $ref: string
}
