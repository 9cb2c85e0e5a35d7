import { ServiceError } from '../../error/service-error.ts'
import { standsForProvided } from '../../handler/provider.ts'
import type { Discovery } from '../../registry/registry.ts'
import type { Logger } from '../../telemetry/log.ts'
import { KnownName } from './known-name.ts'

/** What the service knows of others: the instances of a name, as its registry tells them. Each name is watched once, from when it is first asked for. */
export class ServiceDirectory {
  static readonly [standsForProvided] =
    'give the service a registry that finds others, such as registry: () => consulRegistry()'

  readonly #discovery: Discovery
  readonly #log: Logger
  readonly #names = new Map<string, KnownName>()
  #isClosed = false

  constructor(discovery: Discovery, log: Logger) {
    this.#discovery = discovery
    this.#log = log
  }

  /**
   * The instances of a service, now and later. The name is watched until the service stops.
   *
   * @throws ServiceError `unavailable` when it has stopped.
   */
  of(name: string): KnownName {
    if (this.#isClosed) throw new ServiceError('unavailable', 'the service has stopped, and looks for nobody any more')
    const known = this.#names.get(name) ?? new KnownName(name, { discovery: this.#discovery, log: this.#log })
    this.#names.set(name, known)
    return known
  }

  /** Ends every watch. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#names.values()].map((known) => known.close()))
  }
}
