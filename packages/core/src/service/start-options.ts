import type { Provider } from '../handler/provider.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import type { AdminOptions } from './probe/admin-options.ts'
import type { ConfigSpec, Environment, SettingsOf } from './config/config.ts'
import type { Secret } from './config/secret.ts'
import type { ConfigSources } from './live/config-sources.ts'
import type { ServiceOptions } from './service-options.ts'

/** What one start of a service does otherwise than its definition says; for tests, and for hosts of several services. */
export interface StartOptions<Config extends ConfigSpec = ConfigSpec> {
  /** @defaultValue `process.env`, and outside production also `.env` of the working directory */
  readonly environment?: Environment
  /**
   * Values of settings by name, in the place of what their variables say. A secret may be given as it is.
   *
   * @throws ConfigError `config.malformed` for a name that no setting has
   */
  readonly settings?: GivenSettings<Config>
  /** Sources of settings in the place of the service's own; false for none. */
  readonly configSources?: ConfigSources | false
  /** Providers that replace those of the same token, for tests; what they replace is not created. */
  readonly overrides?: readonly Provider[]
  /** Transports in the place of the service's own, which are not even made; or a function of those. */
  readonly transports?: readonly Transport[] | ((own: readonly Transport[]) => readonly Transport[])
  /** Clients of other services in the place of the service's own; or a function of those, each of which can be `movedTo()` another address. */
  readonly remotes?: readonly Provider[] | ((own: readonly Provider[]) => readonly Provider[])
  /** False for a start that is announced nowhere. @defaultValue the service's own */
  readonly registry?: false
  /** False for a start whose telemetry nobody collects. @defaultValue the service's own */
  readonly telemetry?: false
  /** In the place of the service's own; false for no server of probes. */
  readonly admin?: AdminOptions | false
  /** In the place of the service's own, in milliseconds. @remarks Range 0–60_000, as far as `shutdownTimeoutMs` has room */
  readonly deregisterDelayMs?: number
  /** False for a start in which schedules run only when `runSchedule()` asks for it. @defaultValue true */
  readonly schedules?: boolean
  /** @defaultValue pino, JSON lines on standard output at the level of the environment variable LOG_LEVEL */
  readonly log?: Logger
}

/** Some of a service's settings as values. */
export type GivenSettings<Config extends ConfigSpec> = {
  readonly [Name in keyof Config]?: Bare<SettingsOf<Config>[Name]>
}

type Bare<Value> = Value extends Secret<infer Hidden> ? Secret<Hidden> | Hidden : Value

/** The options of a service as one start of it sees them. */
export function startedOptions<Config extends ConfigSpec>(
  options: ServiceOptions<Config>,
  { configSources, transports, remotes, registry, telemetry, admin, deregisterDelayMs }: StartOptions<Config>,
): ServiceOptions<Config> {
  const { registry: announced, telemetry: collecting, ...others } = options
  return {
    ...others,
    ...(announced && registry !== false && { registry: announced }),
    ...(collecting && telemetry !== false && { telemetry: collecting }),
    ...(configSources !== undefined && { configSources: () => (configSources === false ? [] : configSources) }),
    ...(admin !== undefined && { admin }),
    ...(deregisterDelayMs !== undefined && { deregisterDelayMs }),
    ...(transports && { transports: replaced(options.transports, transports) }),
    ...(remotes && { remotes: replaced(options.remotes, remotes) }),
  }
}

function replaced<Settings, Part>(
  own: ((settings: Settings) => readonly Part[]) | undefined,
  by: readonly Part[] | ((own: readonly Part[]) => readonly Part[]),
): (settings: Settings) => readonly Part[] {
  return typeof by === 'function' ? (settings) => by(own?.(settings) ?? []) : () => by
}
