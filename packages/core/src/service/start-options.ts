import type { Provider } from '../handler/provider.ts'
import type { Logger } from '../telemetry/log.ts'
import type { Transport } from '../transport/transport.ts'
import type { AdminOptions } from './lifecycle/admin-options.ts'
import type { ConfigSpec, Environment, SettingsOf } from './config/config.ts'
import type { Secret } from './config/secret.ts'
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
  /** Providers that replace those of the same token, for tests; what they replace is not created. */
  readonly overrides?: readonly Provider[]
  /** Transports in the place of the service's own, which are not even made; or a function of those. */
  readonly transports?: readonly Transport[] | ((own: readonly Transport[]) => readonly Transport[])
  /** False for a start that is announced nowhere. @defaultValue the service's own */
  readonly registry?: false
  /** In the place of the service's own; false for no server of probes. */
  readonly admin?: AdminOptions | false
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
  { transports, registry, admin }: StartOptions<Config>,
): ServiceOptions<Config> {
  const { registry: announced, ...others } = options
  const own = options.transports
  return {
    ...others,
    ...(announced && registry !== false && { registry: announced }),
    ...(admin !== undefined && { admin }),
    ...(transports && {
      transports: typeof transports === 'function' ? (config) => transports(own?.(config) ?? []) : () => transports,
    }),
  }
}
