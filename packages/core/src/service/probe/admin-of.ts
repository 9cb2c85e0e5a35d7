import type { ConfigSpec } from '../config/config.ts'
import type { ServiceReading } from '../read-settings.ts'
import type { ServiceOptions } from '../service-options.ts'
import { type AdminSettings, resolveAdmin } from './admin-options.ts'

/**
 * The server of probes that a service asks for; undefined for none.
 *
 * @throws ConfigError `config.out_of_range`, `config.malformed`
 */
export function adminOf<Config extends ConfigSpec>(
  { admin: given = {} }: Pick<ServiceOptions<Config>, 'admin'>,
  { settings, config }: Pick<ServiceReading<Config>, 'settings' | 'config'>,
): AdminSettings | undefined {
  const admin = typeof given === 'function' ? given(config) : given
  return admin === false ? undefined : resolveAdmin({ host: settings.defaultHost, ...admin })
}
