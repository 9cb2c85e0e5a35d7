import { ServiceError } from '../error/service-error.ts'
import type { Endpoint, Instance } from '../registry/registry.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ClientChannel } from './client-transport.ts'
import type { OpenChannel } from './connections.ts'
import type { KnownName } from './known-name.ts'
import { markNotSent } from './not-sent.ts'

/** The channels that calls are spread over. */
export interface ChannelList {
  /** Those that may be called now. */
  readonly current: readonly ClientChannel[]
  /** Of them all, with those that finish what runs on them. */
  readonly opened: readonly OpenChannel[]
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
export function fixedChannels(opened: readonly OpenChannel[]): ChannelList {
  const current = opened.map(({ channel }) => channel)
  return {
    current,
    opened,
    only: current.length === 1 ? current[0] : undefined,
    isKnown: true,
    whenKnown: () => ({ [Symbol.dispose]: () => undefined }),
    emptiness: () => markNotSent(new ServiceError('unavailable', 'no address is given')),
    close: async () => void (await Promise.all(current.map((channel) => channel.close()))),
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
  readonly #leaving = new Map<ClientChannel, { readonly address: string; readonly left: Promise<void> }>()
  /** Undefined for an address that cannot be used. */
  #open: ReadonlyMap<string, ClientChannel | undefined> = new Map()
  #current: readonly ClientChannel[] = []
  /** Runs while the registry tells of nobody, and those who were there last are called. */
  #hold: NodeJS.Timeout | undefined

  constructor(options: FoundChannelOptions) {
    this.#options = options
    this.#listening = options.known.onChange((instances) => this.#take(instances))
  }

  get current(): readonly ClientChannel[] {
    return this.#current
  }

  get opened(): readonly OpenChannel[] {
    const open = [...this.#open].flatMap(([address, channel]) => (channel ? [{ address, channel }] : []))
    return [...open, ...[...this.#leaving].map(([channel, { address }]) => ({ address, channel }))]
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
    await Promise.all([...this.#leaving.values()].map(({ left }) => left))
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
    const addresses = tiers.map((tier) => addressesOf(tier, this.#options.protocol))
    const before = this.#open
    const told = new Set(addresses.flat())
    const open = new Map([...told].map((address) => [address, before.get(address) ?? this.#tryOpen(address)] as const))
    this.#open = open
    for (const [address, channel] of before) if (channel && !open.has(address)) this.#leave(address, channel)
    const usable = addresses.map((tier) => tier.flatMap((address) => open.get(address) ?? []))
    this.#current = usable.find((tier) => tier.length > 0) ?? []
  }

  /** Undefined for an address that no call can go to; told once, for as long as it stays in the list. */
  #tryOpen(address: string): ClientChannel | undefined {
    const { known, log, open } = this.#options
    try {
      return open(address)
    } catch (error) {
      const isNew = !this.#open.has(address)
      if (isNew)
        log.warn({ err: error, remote: known.name, address }, 'an instance has an address that cannot be called')
      return undefined
    }
  }

  /** Calls that run go on; the channel ends with the last of them. */
  #leave(address: string, channel: ClientChannel): void {
    const left = channel.close().finally(() => this.#leaving.delete(channel))
    this.#leaving.set(channel, { address, left })
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

function addressesOf(instances: readonly Instance[], protocol: string): readonly string[] {
  const endpoints = instances.map((instance) => instance.endpoints.find((endpoint) => endpoint.protocol === protocol))
  return [...new Set(endpoints.flatMap((endpoint) => (endpoint ? [toAddress(endpoint)] : [])))]
}

function toAddress({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
