import { persist } from '../../registry/persist.ts'
import type { Discovery, Instance } from '../../registry/registry.ts'
import type { Logger } from '../../telemetry/log.ts'

/** Where a name is watched. */
export interface KnownNameOptions {
  readonly discovery: Discovery
  readonly log: Logger
}

/** The instances of one service, kept up with a registry. */
export class KnownName {
  readonly name: string
  readonly #options: KnownNameOptions
  readonly #closing = new AbortController()
  readonly #listeners = new Set<(instances: readonly Instance[]) => void>()
  readonly #ended: Promise<void>
  #instances: readonly Instance[] | undefined
  /** Since the last list; an outage is told once. */
  #troubleCount = 0

  constructor(name: string, options: KnownNameOptions) {
    this.name = name
    this.#options = options
    this.#ended = this.#watch()
  }

  get log(): Logger {
    return this.#options.log
  }

  /** The newest list; undefined until the registry has given the first. */
  get instances(): readonly Instance[] | undefined {
    return this.#instances
  }

  /** Calls the listener with every list from now on, the one that is known already included. What it throws is logged. */
  onChange(listener: (instances: readonly Instance[]) => void): Disposable {
    this.#listeners.add(listener)
    if (this.#instances) this.#tell(listener, this.#instances)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#listeners.clear()
    await this.#ended
  }

  /** A watch does not end by itself; one that does all the same is begun anew. */
  #watch(): Promise<void> {
    const { discovery } = this.#options
    const onTrouble = (error: Error) => this.#trouble(error)
    return persist(
      async ({ signal, succeeded }) => {
        for await (const instances of discovery.watch(this.name, { signal, onTrouble })) {
          succeeded()
          this.#take(instances)
        }
        if (!signal.aborted) throw new Error(`the registry has ended the watch of ${this.name}`)
      },
      { signal: this.#closing.signal, onTrouble },
    )
  }

  #take(instances: readonly Instance[]): void {
    const { log } = this.#options
    if (this.#troubleCount > 0)
      log.info({ remote: this.name, troubleCount: this.#troubleCount }, 'the registry tells of the service again')
    this.#troubleCount = 0
    this.#instances = instances
    for (const listener of this.#listeners) this.#tell(listener, instances)
  }

  #tell(listener: (instances: readonly Instance[]) => void, instances: readonly Instance[]): void {
    try {
      listener(instances)
    } catch (error) {
      this.#options.log.error({ err: error, remote: this.name }, 'who follows the instances of a service has failed')
    }
  }

  #trouble(error: Error): void {
    this.#troubleCount += 1
    const fields = { err: error, remote: this.name, instanceCount: this.#instances?.length ?? 0 }
    if (this.#troubleCount === 1)
      this.#options.log.warn(fields, 'the registry cannot be asked for the service; the last list stays in force')
    else this.#options.log.debug(fields, 'the registry still cannot be asked for the service')
  }
}
