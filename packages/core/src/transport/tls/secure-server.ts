import type { SecureContextOptions } from 'node:tls'
import type { Logger } from '../../telemetry/log.ts'
import { readTlsMaterial, toContextOptions, type TlsMaterial } from './tls-material.ts'
import type { TlsSettings } from './tls-options.ts'
import { watchMaterial } from './watch-material.ts'

/** A server of Node that speaks TLS: `tls.Server`, `https.Server` or `Http2SecureServer`. */
export interface SecureServer {
  setSecureContext(options: SecureContextOptions): void
}

/**
 * Gives a TLS server its certificate, and every newer one that comes to lie in its place, until it is disposed of. Connections
 * that are open keep what they began with.
 *
 * @throws ConfigError `config.malformed` naming the option
 */
export async function secureServer(server: SecureServer, settings: TlsSettings, log: Logger): Promise<Disposable> {
  const use = (material: TlsMaterial) => server.setSecureContext(toContextOptions(material, settings))
  const current = await readTlsMaterial(settings)
  use(current)
  return watchMaterial({ settings, current, log, use })
}
