import type { Authenticator } from '../call/rule/access.ts'
import type { Interceptor } from '../call/rule/interceptor.ts'
import type { LoggedCalls } from '../call/call-log.ts'
import {
  checkOverload,
  type OverloadOptions,
  type OverloadSettings,
  resolveOverload,
} from '../call/overload/overload-options.ts'
import { forwardedByDefault } from '../call/propagation.ts'
import { checkAccess } from '../contract/check-settings.ts'
import type { AccessRule } from '../contract/operation.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import type { HealthCheck } from '../handler/check.ts'
import type { Handler } from '../handler/handler-class.ts'
import type { Provider } from '../handler/provider.ts'
import type { Task } from '../handler/task.ts'
import type { Registry } from '../registry/registry.ts'
import type { Transport } from '../transport/transport.ts'
import type { AdminOptions } from './probe/admin-options.ts'
import type { ConfigSpec, Environment } from './config/config.ts'
import { checkInstance, type InstanceOptions, type InstanceSettings, resolveInstance } from './instance-options.ts'
import type { ConfigSources } from './live/config-sources.ts'
import type { Settings } from './live/live-setting.ts'
import type { HookLists } from './lifecycle/bound-hooks.ts'
import { checkShutdownRoom, longestDelayMs, type ShutdownRoom } from './lifecycle/shutdown-room.ts'
import { longestLingerMs } from './process/linger.ts'
import type { Telemetry } from './telemetry/telemetry.ts'
import { checkLog, logDefaults, type LogOptions } from './default-log.ts'

/** What a service is made of. Nothing in it runs before the service starts. */
export interface ServiceOptions<Config extends ConfigSpec = ConfigSpec> extends HookLists {
  /** Lower-case words joined by hyphens; also the default consumer group. */
  readonly name: string
  readonly version: string
  /**
   * The service's settings, read when it starts: from the environment, mounted files, `configSources`, and in development from `.env`.
   * `settings.watch()` follows them.
   */
  readonly config?: Config
  /**
   * Folders that hold one file a variable, as Kubernetes mounts them; of two files the one in the first folder counts, and the
   * environment before both. A folder need not be there. The environment variable TENON_CONFIG_DIR takes their place, with
   * folders separated as in PATH, all of which must be there.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed` for a folder or file that cannot be read
   * @see Kubernetes, volumes of type configMap and secret
   */
  readonly configFiles?: string | readonly string[]
  /**
   * Sources of settings behind the environment and mounted files and before `.env`, such as the keys of a registry; of several the first
   * counts. They are made for each start, and closed at its end, from the variables found so far: one of these may say where a source is.
   * Only the settings of `config` are asked for: what Tenon itself reads, such as LOG_LEVEL, does not come from here.
   *
   * @defaultValue none
   * @throws ConfigError `config.source_unavailable`, from the start, where a required one has told nothing after `configTimeoutMs`
   */
  readonly configSources?: (environment: Environment) => ConfigSources
  /** How long a start waits for what `configSources` say first. @defaultValue 10_000, a guess @remarks Range 1–3_600_000, as far as `startTimeoutMs` has room */
  readonly configTimeoutMs?: number
  /** What the service logs, and how much. */
  readonly log?: LogOptions
  readonly handlers: readonly Handler[]
  readonly providers?: (settings: Settings<Config>) => readonly Provider[]
  readonly transports?: (settings: Settings<Config>) => readonly Transport[]
  /**
   * Where the service is announced once it is ready, and where it finds others: what of the two the registry can do. Nothing where it
   * gives undefined.
   */
  readonly registry?: (settings: Settings<Config>) => Registry | undefined
  /** How this copy is announced there. @defaultValue under a random id, at the addresses where its servers listen */
  readonly instance?: InstanceOptions
  /** The services that handlers call: `remote(orders, …)`. */
  readonly remotes?: (settings: Settings<Config>) => readonly Provider[]
  /**
   * Conditions that the service looks at in the background, besides what `provide(Db, { check })` says: `check('disk', …)`.
   *
   * @defaultValue none
   */
  readonly checks?: readonly HealthCheck[]
  /**
   * What the service does from the moment it is first ready until it drains: `task('relay', …)`. Each is begun again when it fails; one that
   * fails for good makes the service not live, and its exit code 1.
   *
   * @defaultValue none
   */
  readonly background?: readonly Task[]
  /**
   * What collects spans, metrics and lines of log: `() => observability()` of `@tenon/observability`. Nothing where it gives undefined.
   *
   * @defaultValue none, unless the process has registered an OpenTelemetry SDK itself
   */
  readonly telemetry?: (settings: Settings<Config>) => Telemetry | undefined
  /** The probes' server; false for none. @defaultValue port 9000 */
  readonly admin?: AdminOptions | false | ((settings: Settings<Config>) => AdminOptions | false)
  /** Around every handler, outermost first. */
  readonly interceptors?: readonly Interceptor[]
  /** Finds out who calls over HTTP and gRPC, and who sends messages where the transport asks for that; those of `@tenon/auth`, for example. */
  readonly authenticate?: Authenticator
  /** For operations without a rule of their own. @defaultValue `public`, or `authenticated` with an authenticator */
  readonly defaultAccess?: AccessRule
  /** Longest time a call may take whose operation says nothing; streams have no limit. @defaultValue 30_000 @remarks Range 1–3_600_000 */
  readonly callTimeoutMs?: number
  /** How many calls run at the same time; probes are not counted. @defaultValue no limit @remarks A whole number above 0 */
  readonly maxConcurrentCalls?: number
  /**
   * How many more calls wait for a place, under `maxConcurrentCalls` of the service or of an operation; any beyond are answered
   * `resource_exhausted`. What a queue delivers waits however many there are, for the queue holds back the rest.
   *
   * @defaultValue as many as may run
   * @remarks A whole number, 0 for none
   */
  readonly maxQueuedCalls?: number
  /**
   * Protects the service against more calls than it can do, whatever that is at the moment: calls wait shortly, the least critical are refused
   * (`resource_exhausted` with a retry delay), tenants (`x-tenant-id`) get equal shares, and consumers of queues wait. `{}` for the defaults.
   *
   * @defaultValue no protection
   * @throws ConfigError `config.out_of_range`
   */
  readonly overload?: OverloadOptions
  /** Names of the metadata that outgoing calls and messages inherit, besides the request id. @defaultValue trace context, baggage, `x-tenant-id` and `x-criticality` */
  readonly forwardMetadata?: readonly string[]
  /** When outputs are checked against their schemas; they are stripped always. @defaultValue `development`, that is unless NODE_ENV is `production` */
  readonly checkOutput?: 'always' | 'development' | 'never'
  /**
   * The one deadline over the whole start. What has not ended then is given up, and what had started is undone.
   *
   * @defaultValue 90_000
   * @remarks Range 1–3_600_000; a start-up probe must allow as much.
   * @throws LifecycleError `service.phase_timed_out`, from the start
   * @see systemd.service, TimeoutStartSec: the same default
   */
  readonly startTimeoutMs?: number
  /**
   * The one deadline over the whole shutdown. The environment variable TENON_KILL_DELAY_MS tells how long after SIGTERM the platform
   * kills the process; this and the second that the process may need afterwards must fit into it.
   *
   * @defaultValue 25_000
   * @remarks Range 0–600_000
   * @throws ConfigError `config.out_of_range` where it does not fit, before anything starts
   * @see Kubernetes pod termination: the kill delay is 30 s unless the pod says otherwise.
   */
  readonly shutdownTimeoutMs?: number
  /**
   * How long calls are still accepted after readiness has turned false, so that load balancers notice.
   *
   * @defaultValue 5_000, a fifth of a shorter `shutdownTimeoutMs`, or what times given to hooks of `onDrain` leave of it where that is less,
   * in Kubernetes or with a registry; else 0. 0 too where nobody can call the service: without a registry, and with no transport that callers come to
   * @remarks Range 0–60_000, as far as `shutdownTimeoutMs` has room for it beside what it keeps for the drain and what follows: some
   * half of it, a quarter with a registry and hooks
   * @throws ConfigError `config.out_of_range`, with the longest that fits
   */
  readonly deregisterDelayMs?: number
}

/** The plain settings of a service with their defaults filled in. */
export interface ServiceSettings {
  readonly callTimeoutMs: number
  /** Unless NODE_ENV is `production`. */
  readonly isDevelopment: boolean
  readonly isInKubernetes: boolean
  readonly isOutputChecked: boolean
  readonly defaultAccess: AccessRule
  /** Where servers listen whose options do not say. */
  readonly defaultHost: string
  /** Who this copy is, and where others reach it. */
  readonly instance: InstanceSettings
  /** Infinity for no limit. */
  readonly maxConcurrentCalls: number
  /** Undefined for as many as may run. */
  readonly maxQueuedCalls: number | undefined
  /** Undefined for none. */
  readonly overload: OverloadSettings | undefined
  readonly forwardMetadata: readonly string[]
  readonly loggedCalls: LoggedCalls
  readonly startTimeoutMs: number
  readonly configTimeoutMs: number
  readonly shutdownTimeoutMs: number
  readonly deregisterDelayMs: number
}

/** Settings, and what is wrong with them. */
export interface ResolvedOptions {
  readonly settings: ServiceSettings
  readonly problems: readonly SetupProblem[]
}

/** The options that need no settings to be read. */
type PlainOptions = Pick<
  ServiceOptions,
  | 'name'
  | 'instance'
  | 'callTimeoutMs'
  | 'checkOutput'
  | 'defaultAccess'
  | 'authenticate'
  | 'startTimeoutMs'
  | 'configTimeoutMs'
  | 'shutdownTimeoutMs'
  | 'deregisterDelayMs'
  | 'maxConcurrentCalls'
  | 'maxQueuedCalls'
  | 'overload'
  | 'forwardMetadata'
  | 'log'
  | 'onReady'
  | 'onDrain'
  | 'onStop'
> & {
  readonly registry?: unknown
}

/** Defaults of the plain settings. */
export const serviceDefaults = Object.freeze({
  host: '127.0.0.1',
  callTimeoutMs: 30_000,
  checkOutput: 'development',
  startTimeoutMs: 90_000,
  configTimeoutMs: 10_000,
  shutdownTimeoutMs: 25_000,
  deregisterDelayMs: 5_000,
})

/** Fills in defaults and checks ranges: `config.malformed`, `config.out_of_range`, all problems at once. */
export function resolveServiceOptions(options: PlainOptions, environment: Environment): ResolvedOptions {
  const isInKubernetes = environment['KUBERNETES_SERVICE_HOST'] !== undefined
  // Whether its registry announces it is known later.
  const isDelayed = options.registry !== undefined || isInKubernetes
  const room = roomOf(options)
  const isDevelopment = environment['NODE_ENV'] !== 'production'
  const checkOutput = options.checkOutput ?? serviceDefaults.checkOutput
  const settings: ServiceSettings = Object.freeze({
    callTimeoutMs: options.callTimeoutMs ?? serviceDefaults.callTimeoutMs,
    startTimeoutMs: options.startTimeoutMs ?? serviceDefaults.startTimeoutMs,
    configTimeoutMs: options.configTimeoutMs ?? serviceDefaults.configTimeoutMs,
    shutdownTimeoutMs: room.shutdownTimeoutMs,
    deregisterDelayMs: isDelayed ? delayInKubernetes(options) : (options.deregisterDelayMs ?? 0),
    isDevelopment,
    isInKubernetes,
    isOutputChecked: checkOutput === 'always' || (checkOutput === 'development' && isDevelopment),
    defaultAccess: options.defaultAccess ?? (options.authenticate ? 'authenticated' : 'public'),
    defaultHost: environment['TENON_HOST'] || serviceDefaults.host,
    instance: resolveInstance(options, environment),
    maxConcurrentCalls: options.maxConcurrentCalls ?? Number.POSITIVE_INFINITY,
    maxQueuedCalls: options.maxQueuedCalls,
    overload: resolveOverload(options.overload),
    loggedCalls: options.log?.calls ?? logDefaults.calls,
    forwardMetadata: Object.freeze([...(options.forwardMetadata ?? forwardedByDefault)]),
  })
  const problems = [
    ...checkLog(environment, options.log),
    ...checkOptions(options, settings),
    ...checkShutdownRoom(room, settings.deregisterDelayMs),
    ...checkKillDelay(environment['TENON_KILL_DELAY_MS'], settings),
  ]
  return { settings, problems }
}

function checkOptions(options: PlainOptions, settings: ServiceSettings): readonly SetupProblem[] {
  return [
    ...checkName(options.name),
    ...checkHost(settings.defaultHost),
    ...checkInstance(options, settings.instance),
    ...checkRange('callTimeoutMs', settings.callTimeoutMs, [1, 3_600_000]),
    ...checkRange('startTimeoutMs', settings.startTimeoutMs, [1, 3_600_000]),
    ...checkRange('configTimeoutMs', settings.configTimeoutMs, [1, 3_600_000]),
    ...checkRange('shutdownTimeoutMs', settings.shutdownTimeoutMs, [0, 600_000]),
    ...checkCount('maxConcurrentCalls', options.maxConcurrentCalls, 1),
    ...checkCount('maxQueuedCalls', options.maxQueuedCalls, 0),
    ...checkOverload(settings.overload),
    ...checkForwarded(options.forwardMetadata),
    ...(options.defaultAccess === undefined ? [] : checkAccess('defaultAccess', options.defaultAccess)),
    ...checkRange('deregisterDelayMs', settings.deregisterDelayMs, [0, 60_000]),
  ]
}

/** The platform tells how long it waits after SIGTERM: in Kubernetes the grace period without a `preStop` sleep. */
function checkKillDelay(given: string | undefined, { shutdownTimeoutMs }: ServiceSettings): readonly SetupProblem[] {
  if (given === undefined || given === '') return []
  if (!/^[1-9]\d{0,9}$/.test(given)) {
    const message = `TENON_KILL_DELAY_MS: expected a whole number of milliseconds, found ${JSON.stringify(given)}`
    return [{ code: 'config.malformed', message }]
  }
  const mostMs = Number(given) - longestLingerMs
  if (!(shutdownTimeoutMs > mostMs)) return []
  const message = `shutdownTimeoutMs (${shutdownTimeoutMs}) does not fit the time until the platform kills the process, TENON_KILL_DELAY_MS (${given}), with ${longestLingerMs} ms for the process itself: set it to ${Math.max(0, mostMs)} at most, or let the platform wait longer`
  return [{ code: 'config.out_of_range', message }]
}

function roomOf({ shutdownTimeoutMs = serviceDefaults.shutdownTimeoutMs, ...options }: PlainOptions): ShutdownRoom {
  return { ...options, shutdownTimeoutMs, hasRegistry: options.registry !== undefined }
}

/** The `deregisterDelayMs` in Kubernetes, or with a registry. A short shutdown leaves as large a part to the drain as the default one does. */
export function delayInKubernetes(options: PlainOptions): number {
  if (options.deregisterDelayMs !== undefined) return options.deregisterDelayMs
  const { deregisterDelayMs, shutdownTimeoutMs: usualMs } = serviceDefaults
  const room = roomOf(options)
  const partMs = Math.max(0, room.shutdownTimeoutMs) * (deregisterDelayMs / usualMs)
  return Math.min(deregisterDelayMs, partMs, longestDelayMs(room))
}

/**
 * Of a default delay what a service needs: one that nobody can call, or that neither Kubernetes nor a registry tells others of, waits only
 * for as long as it says itself.
 */
export function delayFor(
  { hasCallers, isAnnounced }: { readonly hasCallers: boolean; readonly isAnnounced: boolean },
  { deregisterDelayMs: givenMs = 0 }: PlainOptions,
  { deregisterDelayMs, isInKubernetes }: Pick<ServiceSettings, 'deregisterDelayMs' | 'isInKubernetes'>,
): number {
  return hasCallers && (isInKubernetes || isAnnounced) ? deregisterDelayMs : givenMs
}

function checkName(name: string): SetupProblem[] {
  if (/^[a-z][a-z0-9-]{0,62}$/.test(name)) return []
  return [
    { code: 'config.malformed', message: `service name: expected lower-case words joined by hyphens, found "${name}"` },
  ]
}

function checkHost(host: string): SetupProblem[] {
  if (/^[^\s/]+$/.test(host)) return []
  const message = `TENON_HOST: expected a host name or address such as 0.0.0.0, found ${JSON.stringify(host)}`
  return [{ code: 'config.malformed', message }]
}

function checkCount(name: string, value: number | undefined, min: number): SetupProblem[] {
  if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return []
  return [{ code: 'config.out_of_range', message: `${name} must be a whole number from ${min}, found ${value}` }]
}

function checkForwarded(names: readonly string[] = []): SetupProblem[] {
  return names
    .filter((name) => !/^[a-z0-9][a-z0-9_.-]*$/.test(name))
    .map((name) => ({
      code: 'config.malformed',
      message: `forwardMetadata: expected lower-case names of metadata, found "${name}"`,
    }))
}

function checkRange(name: string, value: number, [min, max]: readonly [number, number]): SetupProblem[] {
  if (value >= min && value <= max) return []
  return [{ code: 'config.out_of_range', message: `${name} must be from ${min} to ${max}, found ${value}` }]
}
