import { ServiceError } from '../error/service-error.ts'
import type { Endpoint, Instance } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ClientChannel } from './client-transport.ts'
import type { KnownName } from './place/known-name.ts'
import { markNotSent } from './not-sent.ts'
import { Target, type TargetFacts } from './target/target.ts'

/** The channels that calls are spread over. */
export interface ChannelList {
  /** Those that may be called now; the same array until something has changed. */
  readonly current: readonly Target[]
  /** Of them all, with those that finish what runs on them. */
  readonly opened: readonly Target[]
  /** Whether it is known which channels there are. */
  readonly isKnown: boolean
  /** Calls the listener once, when that is known. */
  whenKnown(listener: () => void): Disposable
  /** The one that there will ever be, where it is so. */
  readonly only?: ClientChannel | undefined
  /** Why nothing can be called, where there is no channel. */
  emptiness(): ServiceError
  close(): Promise<void>
}

/** Channels to addresses that stay what they are. */
export function fixedChannels(targets: readonly Target[]): ChannelList {
  return {
    current: targets,
    opened: targets,
    only: targets.length === 1 ? targets[0]?.channel : undefined,
    isKnown: true,
    whenKnown: () => ({ [Symbol.dispose]: () => undefined }),
    emptiness: () => markNotSent(new ServiceError('unavailable', 'no address is given')),
    close: async () => void (await Promise.all(targets.map(({ channel }) => channel.close()))),
  }
}

/** How the instances of a name are called. */
export interface FoundChannelOptions {
  readonly known: KnownName
  /** The protocol of their endpoints: `grpc`. */
  readonly protocol: string
  readonly log: Logger
  /** @throws what makes an address useless, which is passed over then. */
  open(address: string): ClientChannel
}

/** Channels to the instances that a registry tells of, for as long as it tells of them. */
export class FoundChannels implements ChannelList {
  readonly #options: FoundChannelOptions
  readonly #listening: Disposable
  readonly #leaving = new Set<Target>()
  /** Undefined for an address that cannot be used. */
  #open: ReadonlyMap<string, Target | undefined> = new Map()
  #current: readonly Target[] = []
  /** Runs while the registry tells of nobody, and those who were there last are called. */
  #hold: NodeJS.Timeout | undefined

  constructor(options: FoundChannelOptions) {
    this.#options = options
    this.#listening = options.known.onChange((instances) => this.#take(instances))
  }

  get current(): readonly Target[] {
    return this.#current
  }

  get opened(): readonly Target[] {
    return [...[...this.#open.values()].flatMap((target) => target ?? []), ...this.#leaving]
  }

  get isKnown(): boolean {
    return this.#options.known.instances !== undefined
  }

  whenKnown(listener: () => void): Disposable {
    return this.#options.known.onChange(listener)
  }

  emptiness(): ServiceError {
    const { known, protocol } = this.#options
    const message = this.isKnown
      ? `the registry knows no instance of ${known.name} that takes calls over ${protocol}`
      : `the registry has not yet told of ${known.name}`
    return markNotSent(new ServiceError('unavailable', message))
  }

  async close(): Promise<void> {
    this.#listening[Symbol.dispose]()
    this.#use([])
    await Promise.all([...this.#leaving].map(({ channel }) => channel.close()))
  }

  #take(instances: readonly Instance[]): void {
    if (instances.length > 0) this.#use(callable(instances))
    else if (this.#hold === undefined && this.#current.length > 0) {
      this.#hold = setTimeout(() => this.#use([]), emptyHoldMs)
      this.#hold.unref()
    }
  }

  /** @param tiers Of which the first with anybody takes the calls. */
  #use(tiers: readonly (readonly Instance[])[]): void {
    clearTimeout(this.#hold)
    this.#hold = undefined
    const told = tiers.map((tier) => placesOf(tier, this.#options.protocol))
    const before = this.#open
    const open = new Map<string, Target | undefined>()
    // What wants calls comes first, also where two are told to be at one address.
    for (const [address, facts] of told.flatMap((places) => [...places])) {
      if (open.has(address)) continue
      const target = before.get(address) ?? this.#tryOpen(address)
      target?.take(facts)
      open.set(address, target)
    }
    this.#open = open
    for (const [address, target] of before) if (target && !open.has(address)) void this.#leave(target)
    const usable = told.map((places) => [...places.keys()].flatMap((address) => open.get(address) ?? []))
    this.#current = usable.find((tier) => tier.length > 0) ?? []
  }

  /** Undefined for an address that no call can go to; told once, for as long as it stays in the list. */
  #tryOpen(address: string): Target | undefined {
    const { known, log, open } = this.#options
    try {
      return new Target(address, open(address))
    } catch (error) {
      const isNew = !this.#open.has(address)
      if (isNew)
        log.warn({ err: error, remote: known.name, address }, 'an instance has an address that cannot be called')
      return undefined
    }
  }

  /** Calls that run go on, also those that last as long as their instance does; the channel ends with the last of them. */
  async #leave(target: Target): Promise<void> {
    this.#leaving.add(target)
    await target.whenIdle()
    await target.channel.close()
    this.#leaving.delete(target)
  }
}

/**
 * How long those who were there last are called when a registry tells of nobody any more: that it came back without its data is more
 * likely than that all are gone, and nobody else could take the calls. A guess; not for long, for addresses are given to others.
 */
const emptyHoldMs = 30_000

/** Those that take calls: first those that want them, then those that would rather have them sent elsewhere. */
function callable(instances: readonly Instance[]): readonly (readonly Instance[])[] {
  const willing = instances.filter(({ health = 'serving', weight = 1 }) => health === 'serving' && weight > 0)
  const reluctant = instances.filter(
    ({ health = 'serving', weight = 1 }) => health === 'draining' || (health === 'serving' && weight === 0),
  )
  return [willing, reluctant]
}

/** What is told of each address; of two that are told of one, the first counts. */
function placesOf(instances: readonly Instance[], protocol: string): ReadonlyMap<string, TargetFacts> {
  const places = new Map<string, TargetFacts>()
  for (const { endpoints, zone, weight } of instances) {
    const endpoint = endpoints.find((one) => one.protocol === protocol)
    const address = endpoint && toAddress(endpoint)
    if (address !== undefined && !places.has(address)) places.set(address, { zone, weight })
  }
  return places
}

function toAddress({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
