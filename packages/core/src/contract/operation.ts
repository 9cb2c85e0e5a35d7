import type { ErrorCode } from '../error/error-code.ts'
import type { Deprecation, DeprecationSpec } from './deprecation.ts'
import type { OperationExample } from './example.ts'
import type { HttpBinding, HttpOperation } from './http-binding.ts'
import type { RouteText } from './route.ts'
import type { JsonSchema, Schema, ValueOf, WireOf } from '../schema/schema.ts'
import type { StreamOf } from './stream.ts'

/** Who may call: everybody, every known caller, callers with at least one of the roles, with all of the scopes, or that pass a check. */
export type AccessRule = 'public' | 'authenticated' | RoleRule | ScopeRule | CheckRule

export interface RoleRule {
  readonly roles: readonly string[]
  readonly scopes?: never
  readonly check?: never
}

export interface ScopeRule {
  readonly scopes: readonly string[]
  readonly roles?: never
  readonly check?: never
}

export interface CheckRule {
  /** Whether a known caller may call; decided before the input is decoded. What it throws is `internal`, unless it is a `ServiceError`. */
  readonly check: (principal: Principal) => boolean | Promise<boolean>
  readonly roles?: never
  readonly scopes?: never
}

/** Who calls, as an authenticator found out. */
export interface Principal {
  /** Stable identity of the caller. */
  readonly id: string
  readonly roles?: readonly string[]
  readonly scopes?: readonly string[]
  /** Further facts from the credential, such as token claims. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** How many values go each way: `stream(schema)` as input, as output, or as both. */
export type OperationKind = 'unary' | 'server_stream' | 'client_stream' | 'bidi_stream'

/** Whether a call may be repeated: `safe` changes nothing, `idempotent` changes the same thing once. */
export type Idempotency = 'safe' | 'idempotent' | 'none'

export interface QueueBinding {
  readonly topic: string
  /** The text field of the input whose value keys the message; messages of one key keep their order. */
  readonly key: string
  /** The consumer group that handles the command. @defaultValue the service's name */
  readonly group?: string
  /**
   * How its messages are written: the name of a format that the queue transports of sender and receiver have.
   *
   * @defaultValue 'json'
   */
  readonly format?: string
}

/** What a contract says of one operation. */
export interface OperationSpec {
  /** One object, the same on all transports, or `stream(schema)` for any number of them. */
  readonly input: Schema | StreamOf
  /** One value, or `stream(schema)` for any number of them. */
  readonly output: Schema | StreamOf
  /** The codes the handler itself may fail with; the framework's own (`invalid_argument`, `internal`, …) need no mention. */
  readonly errors?: readonly ErrorCode[]
  readonly http?: RouteText | HttpBinding
  readonly queue?: QueueBinding
  /** @defaultValue true */
  readonly grpc?: boolean
  /** @defaultValue the service's `defaultAccess` */
  readonly access?: AccessRule
  /** Longest time a call may take. @defaultValue the service's `callTimeoutMs`; none for streams. @remarks Range 1–3_600_000 */
  readonly timeoutMs?: number
  /** @defaultValue by the first route: `safe` for GET, `idempotent` for PUT and DELETE, else `none` */
  readonly idempotency?: Idempotency
  /** One sentence for generated documents. */
  readonly summary?: string
  /** Longer text for generated documents, in CommonMark. */
  readonly description?: string
  /** Inputs and outputs for generated documents; each must fit its schema. */
  readonly examples?: readonly OperationExample[]
  /** Groups of generated documents that the operation stands in. @defaultValue the last word of the contract's name */
  readonly tags?: readonly string[]
  /**
   * Whether callers should go elsewhere. With a date, HTTP replies say so too: `Deprecation` needs `at`, `Sunset` needs `sunset`,
   * and `Link` needs `link`; `true` is for generated documents only, because the header has no form without a date.
   *
   * @defaultValue false
   * @see RFC 9745 section 2, RFC 8594 section 3
   */
  readonly deprecated?: boolean | DeprecationSpec
}

/** One operation of a contract: frozen data, made by `contract()`. */
export interface Operation<Spec extends OperationSpec = OperationSpec> {
  /** The specification as it was written. Types are read from here. */
  readonly spec: Spec
  /** Contract and name: `shop.user.v1.UserService/getUser`. */
  readonly id: string
  readonly contract: string
  readonly name: string
  readonly kind: OperationKind
  /** Schema of the input, or of one item of an input stream. */
  readonly inputSchema: Schema
  /** Schema of the output, or of one item of an output stream. */
  readonly outputSchema: Schema
  readonly inputJsonSchema: JsonSchema
  readonly outputJsonSchema: JsonSchema
  readonly errors: readonly ErrorCode[]
  readonly http: HttpOperation | undefined
  readonly queue: QueueBinding | undefined
  readonly grpc: boolean
  /** The file that keeps its contract's field numbers, or the descriptor of the method that it was made from. */
  readonly proto: URL | object | undefined
  readonly access: AccessRule | undefined
  readonly timeoutMs: number | undefined
  readonly idempotency: Idempotency
  readonly summary: string | undefined
  readonly description: string | undefined
  /** In the form they have in JSON. */
  readonly examples: readonly OperationExample[]
  readonly tags: readonly string[]
  readonly deprecated: boolean
  /** What is known of the end of a deprecated operation; undefined for all others. */
  readonly deprecation: Deprecation | undefined
}

type ItemOf<S> = S extends StreamOf<infer Item> ? Item : S

/** One input as a handler receives it: the whole, or one item of a stream. */
export type InputItem<Op extends Operation> = ValueOf<ItemOf<Op['spec']['input']>>

/** The input a handler receives; an `AsyncIterable` where it is a stream. */
export type Input<Op extends Operation> = Op['spec']['input'] extends StreamOf
  ? AsyncIterable<InputItem<Op>>
  : InputItem<Op>

/** The output a handler returns; for a stream, one item of it. */
export type Output<Op extends Operation> = WireOf<ItemOf<Op['spec']['output']>>

/** The input a caller sends: one, or any number of them where it is a stream. */
export type InputToSend<Op extends Operation> =
  Op['spec']['input'] extends StreamOf<infer Item>
    ? AsyncIterable<WireOf<Item>> | Iterable<WireOf<Item>>
    : WireOf<Op['spec']['input']>

/** The output a caller receives; for a stream, one item of it. */
export type OutputReceived<Op extends Operation> = ValueOf<ItemOf<Op['spec']['output']>>

/** Whether an operation answers with a stream. */
export type IsStreaming<Op extends Operation> = Op['spec']['output'] extends StreamOf ? true : false

/** The codes an operation declares. */
export type DeclaredError<Op extends Operation> = Op['spec'] extends {
  readonly errors: readonly (infer Code extends ErrorCode)[]
}
  ? Code
  : never
