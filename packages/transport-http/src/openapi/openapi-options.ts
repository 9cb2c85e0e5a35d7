import type { AccessRule } from '@tenon/core/contract'
import type { OpenApiInfo, OpenApiServer, OpenApiTag, SecurityScheme } from './document.ts'

/** What a document says that no contract knows. */
export interface OpenApiOptions extends Partial<OpenApiInfo> {
  /** Where the service is reached. @defaultValue `/`, with the path prefix of a server */
  readonly servers?: readonly OpenApiServer[]
  /** What the groups are about; a group is listed though no operation stands in it. */
  readonly tags?: readonly OpenApiTag[]
  /**
   * The ways in which callers show who they are, by name; any one of them suffices where an operation asks for a caller.
   *
   * @defaultValue `bearer`: a token in the `Authorization` header
   * @see OpenAPI 3.1, security scheme object
   */
  readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>
  /** The rule of operations whose contract has none. @defaultValue `public` */
  readonly defaultAccess?: AccessRule
}

/** What a served document says, and where it is. Title and version are those of the service unless they are given here. */
export interface OpenApiServing extends Omit<OpenApiOptions, 'defaultAccess'> {
  /** Below the path prefix. @defaultValue `/openapi.json` @throws ConfigError `config.malformed` */
  readonly path?: string
}

/** Where the page is. */
export interface DocsOptions {
  /** Below the path prefix. @defaultValue `/docs` @throws ConfigError `config.malformed` */
  readonly path?: string
}

/** How a server shows what it offers. */
export interface DocumentOptions {
  /**
   * Serves the OpenAPI document of all operations that have a route, to everybody, as probes are: `true` at `/openapi.json`, or
   * an object with its path and what it says. It is made when it is first asked for.
   *
   * @defaultValue true
   * @throws ConfigError `config.malformed` for an option that does not exist or has another form
   */
  readonly openapi?: boolean | OpenApiServing
  /**
   * Serves a page on which the document can be read and its operations tried: `true` at `/docs`, or an object with its path.
   * Needs `openapi`, and the package `@fastify/swagger-ui`, which is loaded only then.
   *
   * @defaultValue false
   * @throws ConfigError `config.package` when the package is not installed, `config.malformed`
   */
  readonly docs?: boolean | DocsOptions
}

/** The same, resolved; undefined for what is off. */
export interface DocumentSettings {
  readonly openapi: (OpenApiServing & { readonly path: string }) | undefined
  readonly docs: { readonly path: string } | undefined
}

/** What is used where an option is left out. */
export const documentDefaults = Object.freeze({ openapi: true, docs: false } satisfies DocumentOptions)

export function resolveDocument({
  openapi = documentDefaults.openapi,
  docs = documentDefaults.docs,
}: DocumentOptions): DocumentSettings {
  return Object.freeze({
    openapi:
      openapi === false ? undefined : Object.freeze({ path: '/openapi.json', ...(openapi === true ? {} : openapi) }),
    docs: docs === false ? undefined : Object.freeze({ path: '/docs', ...(docs === true ? {} : docs) }),
  })
}
