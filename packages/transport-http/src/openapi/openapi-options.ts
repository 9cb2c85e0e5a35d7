import type { AccessRule } from '@tenon/core/contract'
import type { OpenApiInfo, OpenApiServer, OpenApiTag, SecurityScheme } from './document.ts'

/** What a document says that no contract knows. */
export interface OpenApiOptions extends Partial<OpenApiInfo> {
  /** Where the service is reached. @defaultValue `/`, with the path prefix of a server */
  readonly servers?: readonly OpenApiServer[]
  /** What the groups are about; a group is described though no operation stands in it. */
  readonly tags?: readonly OpenApiTag[]
  /**
   * The ways in which callers show who they are, by name; any one of them suffices where an operation asks for a caller.
   *
   * @defaultValue `bearer`: a token in the `Authorization` header
   * @see OpenAPI 3.1, security scheme object
   */
  readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>
  /** The rule of operations whose contract has none. @defaultValue `public`; of a server, the rule that the service really applies */
  readonly defaultAccess?: AccessRule
}
