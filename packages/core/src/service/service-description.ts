import type { Criticality } from '../call/overload/criticality.ts'
import type { OverloadSettings } from '../call/overload/overload-options.ts'
import type { BatchSettings } from '../contract/batch.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import type { Deprecation } from '../contract/deprecation.ts'
import type { Idempotency, OperationKind } from '../contract/operation.ts'
import type { HookPoint } from './lifecycle/bound-hooks.ts'
import type { ErrorCode } from '../error/error-code.ts'
import type { Overlap } from '../handler/schedule/timing.ts'
import type { RestartPolicy } from '../handler/task.ts'
import type { HealthCheckSettings } from '../handler/check-settings.ts'
import type { ProbeName } from '../transport/probe.ts'
import type { Address } from '../transport/transport.ts'

/** A service as data: what it is made of, and in which order. Absent fields mean "none". */
export interface ServiceDescription {
  readonly name: string
  readonly version: string
  readonly handlers: readonly HandlerDescription[]
  readonly operations: readonly OperationDescription[]
  readonly consumers: readonly ConsumerDescription[]
  readonly schedules: readonly ScheduleDescription[]
  /** Those that the service creates, each after what it needs. */
  readonly providers: readonly ProviderDescription[]
  /** What it looks at while it runs, in the order of `?verbose`; what transports say of themselves is beside it. */
  readonly checks: readonly CheckDescription[]
  /** The other services it may call. */
  readonly remotes: readonly RemoteDescription[]
  /** What it does in the background. */
  readonly tasks: readonly TaskDescription[]
  /** In the order in which they run. */
  readonly hooks: readonly HookDescription[]
  readonly transports: readonly TransportDescription[]
  /** The server of its probes. */
  readonly admin?: AdminDescription | undefined
  /** Whether a registry is told of it. */
  readonly isRegistered: boolean
  /** The registry that it is announced in, or finds others by. */
  readonly registry?: RegistryDescription | undefined
  /** The variables the service is configured with. */
  readonly settings: readonly SettingDescription[]
  /** Where its settings come from beside the environment, files and `.env`; the first counts most. */
  readonly configSources?: readonly ConfigSourceDescription[] | undefined
  readonly limits: LimitDescription
  readonly security: SecurityDescription
}

export interface HandlerDescription {
  /** The class's name, or the contract's. */
  readonly name: string
  readonly contracts: readonly string[]
  /** Ids of the operations it implements. */
  readonly operations: readonly string[]
  /** Topics of the events it consumes. */
  readonly topics: readonly string[]
  /** Names of what it runs by itself. */
  readonly schedules: readonly string[]
}

export interface OperationDescription {
  /** Contract and name: `shop.user.v1.UserService/getUser`. */
  readonly id: string
  readonly handler: string
  /** The method that implements it. */
  readonly member: string
  readonly kind: OperationKind
  /** Verb and path of the first route: `GET /v1/users/:userId`. */
  readonly route?: string | undefined
  readonly http?: HttpDescription | undefined
  readonly grpc: boolean
  readonly command?: CommandDescription | undefined
  /** Names of the transports that carry it. */
  readonly transports: readonly string[]
  readonly access: AccessDescription
  /** Name of the function that decides over the input. */
  readonly policy?: string | undefined
  /** Longest time of a call. */
  readonly timeoutMs?: number | undefined
  readonly maxConcurrentCalls?: number | undefined
  /** Of calls whose caller does not say, where the handler does. */
  readonly criticality?: Criticality | undefined
  readonly idempotency: Idempotency
  /** The codes it declares. */
  readonly errors: readonly ErrorCode[]
  readonly isDeprecated: boolean
  /** What is known of its end. */
  readonly deprecation?: Partial<Deprecation> | undefined
  readonly tags: readonly string[]
  /** All around the handler, outermost first: the service's, then the handler's, then the method's. */
  readonly interceptors: readonly InterceptorDescription[]
}

/** Where the input of an operation is read from over HTTP, and what a reply says beside its body. */
export interface HttpDescription {
  /** Verb and path of all routes. */
  readonly routes: readonly string[]
  readonly status: number
  /** Names of headers by the input fields that are read from them. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Names of cookies by the input fields that are read from them. */
  readonly cookies?: Readonly<Record<string, string>> | undefined
  /** The input field that is the whole body. */
  readonly body?: string | undefined
  /** The output field that is sent as `Location`. */
  readonly location?: string | undefined
  /** The output field that is sent as `ETag`. */
  readonly etag?: string | undefined
}

/** An operation as messages on a queue. */
export interface CommandDescription {
  readonly topic: string
  readonly key: string
  readonly group: string
  /** What its handler says of it, where that differs from the transport's options. */
  readonly delivery?: DeliveryOptions | undefined
}

export interface ConsumerDescription {
  readonly topic: string
  /** Those of the older events that it reads too. */
  readonly olderTopics?: readonly string[] | undefined
  readonly key: string
  /** Undefined for a broadcast: every process gets every message. */
  readonly group: string | undefined
  /** Where it begins when it has no place yet: `earliest`, `latest`, or a moment; undefined where it says nothing. */
  readonly start?: string | undefined
  /** What it says of its messages, where that differs from the transport's options. */
  readonly delivery?: DeliveryOptions | undefined
  /** How its messages are put together, where its handler takes several at once. */
  readonly batch?: BatchSettings | undefined
  readonly handler: string
  readonly member: string
  /** Names of the transports that deliver it. */
  readonly transports: readonly string[]
  readonly timeoutMs: number
  /** As those of an operation. */
  readonly interceptors: readonly InterceptorDescription[]
}

export interface ScheduleDescription {
  readonly name: string
  /** When it runs: `every 5 m`, `cron 0 3 * * * (UTC)`. */
  readonly timing: string
  readonly overlap: Overlap
  readonly jitterMs: number
  readonly timeoutMs: number
  readonly handler: string
  readonly member: string
  /** As those of an operation. */
  readonly interceptors: readonly InterceptorDescription[]
}

/** The rule in force, wherever it was given; a check by the name of its function. */
export type AccessDescription =
  | 'public'
  | 'authenticated'
  | { readonly roles: readonly string[] }
  | { readonly scopes: readonly string[] }
  | { readonly check: string }

export interface InterceptorDescription {
  /** Name of the function. */
  readonly name: string
  /** What it was put around. */
  readonly around: 'service' | 'handler' | 'method'
}

export interface ProviderDescription {
  readonly name: string
  /** Names of what must exist before. */
  readonly needs: readonly string[]
  /** Whether it is looked at while the service runs: `checks` has a check of its name. */
  readonly isChecked: boolean
  /** The servers it connects to, as `host:port`; what of them the settings at hand do not tell is left out. */
  readonly connectsTo?: readonly string[] | undefined
}

export interface CheckDescription extends HealthCheckSettings {
  readonly name: string
  /** Names of what it is given. */
  readonly needs: readonly string[]
}

export interface RegistryDescription {
  /** `consul`, `kubernetes`; undefined where it does not tell. */
  readonly name?: string | undefined
  /** Whether others can be found by it. */
  readonly canFind: boolean
  /** The servers it connects to, as `host:port`; none where it does not tell. */
  readonly connectsTo?: readonly string[] | undefined
}

/** Another service that a client is declared for, by `remote()`. */
export interface RemoteDescription {
  /** Name of the contract. */
  readonly contract: string
  /** Name of the client transport that carries the calls. */
  readonly transport: string
  /** As it was given: `static:///host:port`. */
  readonly address: string
  /** Names of the functions around every call that goes out, outermost first. */
  readonly interceptors: readonly string[]
}

export interface HookDescription {
  readonly point: HookPoint
  readonly name: string
  /** Names of what it needs. */
  readonly needs: readonly string[]
  /** Longest time it may take, where it says so. */
  readonly timeoutMs?: number | undefined
}

export interface TaskDescription {
  readonly name: string
  /** Names of what it needs. */
  readonly needs: readonly string[]
  readonly restart: RestartPolicy
  /** Absent for no limit. */
  readonly maxRestartCount?: number | undefined
  readonly initialDelayMs: number
  readonly maxDelayMs: number
}

export interface TransportDescription {
  readonly name: string
  readonly carriesEvents: boolean
  /** The topics whose messages come and go there, and beginnings such as `shop.order.*`. Absent where it carries all, or does not tell. */
  readonly topics?: readonly string[] | undefined
  /** Names of the providers that come with it. */
  readonly provides: readonly string[]
  /** Where callers reach it; port 0 is any free one. */
  readonly listensAt?: readonly Address[] | undefined
  /** The servers it connects to, as `host:port`. */
  readonly connectsTo?: readonly string[] | undefined
  /** The probes it answers over HTTP where it listens, by path. */
  readonly probes?: Readonly<Record<string, ProbeName>> | undefined
}

/** Where probes are asked. */
export interface AdminDescription {
  readonly host: string
  readonly port: number
  /** Whether `/info` and `?verbose` ask for a token. */
  readonly hasToken: boolean
}

export interface SettingDescription {
  readonly name: string
  readonly variable: string
  /** What its text must look like. */
  readonly expected: string
  /** Whether the service cannot start without it. */
  readonly isRequired: boolean
  readonly isSecret: boolean
  /** What is used when the variable is not set; `***` for a secret. */
  readonly fallback?: unknown
}

export interface ConfigSourceDescription {
  readonly name: string
  /** Whether a start fails without it. */
  readonly isRequired: boolean
  /** The servers it connects to, as `host:port`; what of them the settings at hand do not tell is left out. */
  readonly connectsTo?: readonly string[] | undefined
}

export interface LimitDescription {
  /** For operations that say nothing. */
  readonly callTimeoutMs: number
  readonly maxConcurrentCalls?: number | undefined
  readonly maxQueuedCalls?: number | undefined
  /** How it protects itself against more calls than it can do, if it does. */
  readonly overload?: OverloadSettings | undefined
  readonly startTimeoutMs: number
  readonly shutdownTimeoutMs: number
  readonly deregisterDelayMs: number
  /** What `deregisterDelayMs` is in Kubernetes, wherever the service was described. */
  readonly deregisterDelayInKubernetesMs: number
}

export interface SecurityDescription {
  readonly hasAuthenticator: boolean
  readonly defaultAccess: AccessDescription
  /** Names of the metadata that outgoing calls and messages inherit. */
  readonly forwardedMetadata: readonly string[]
  readonly areOutputsChecked: boolean
}
