import { dnsRegistry } from '../../registry/dns/dns-registry.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { KnownName } from './known-name.ts'
import type { DnsName } from './place.ts'
import { ServiceDirectory } from './service-directory.ts'

/** What the service knows of others by DNS. Each name is asked for once, whatever the number of remotes that are there, from when it is first needed. */
export class DnsDirectory {
  readonly #log: Logger
  readonly #directories = new Map<string, ServiceDirectory>()

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * The addresses of a name, now and later. It is asked for until the service stops.
   *
   * @param protocol What the instances are said to speak: DNS does not tell.
   * @throws ServiceError `unavailable` when it has stopped.
   */
  of({ host, port, server }: DnsName, protocol: string): KnownName {
    const key = `${protocol} ${port} ${server}`
    const options = { protocol, port, ...(server !== undefined && { servers: [server] }) }
    const directory = this.#directories.get(key) ?? new ServiceDirectory(dnsRegistry(options), this.#log)
    this.#directories.set(key, directory)
    return directory.of(host.toLowerCase())
  }

  /** Asks for nothing any more. */
  async close(): Promise<void> {
    await Promise.all([...this.#directories.values()].map((directory) => directory.close()))
  }
}
