import { ServiceError } from '../error/service-error.ts'
import type { Endpoint, Instance } from '../registry/registry.ts'
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
  /** Resolves when it is known for the first time which channels there are; undefined when it is known. */
  readonly unknown: Promise<void> | undefined
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
    unknown: undefined,
    emptiness: () => markNotSent(new ServiceError('unavailable', 'no address is given')),
    close: async () => void (await Promise.all(current.map((channel) => channel.close()))),
  }
}

/** How the instances of a name are called. */
export interface FoundChannelOptions {
  readonly known: KnownName
  /** The protocol of their endpoints: `grpc`. */
  readonly protocol: string
  open(address: string): ClientChannel
}

/** Channels to the instances that a registry tells of, for as long as it tells of them. */
export class FoundChannels implements ChannelList {
  readonly #options: FoundChannelOptions
  readonly #listening: Disposable
  #open: ReadonlyMap<string, ClientChannel> = new Map()
  readonly #leaving = new Map<ClientChannel, { readonly address: string; readonly left: Promise<void> }>()
  #current: readonly ClientChannel[] = []
  /** On the clock of `performance.now()`: since when the registry tells of nobody who can be called. */
  #emptySinceMs: number | undefined

  constructor(options: FoundChannelOptions) {
    this.#options = options
    this.#listening = options.known.onChange((instances) => this.#take(instances))
  }

  get current(): readonly ClientChannel[] {
    if (this.#emptySinceMs !== undefined && performance.now() - this.#emptySinceMs > emptyHoldMs) this.#use([[], []])
    return this.#current
  }

  get opened(): readonly OpenChannel[] {
    const open = [...this.#open].map(([address, channel]) => ({ address, channel }))
    return [...open, ...[...this.#leaving].map(([channel, { address }]) => ({ address, channel }))]
  }

  get unknown(): Promise<void> | undefined {
    const { known } = this.#options
    return known.instances === undefined ? known.first : undefined
  }

  emptiness(): ServiceError {
    const { known, protocol } = this.#options
    const message = `the registry knows no instance of ${known.name} that takes calls over ${protocol}`
    return markNotSent(new ServiceError('unavailable', message))
  }

  async close(): Promise<void> {
    this.#listening[Symbol.dispose]()
    for (const [address, channel] of this.#open) this.#leave(address, channel)
    this.#open = new Map()
    await Promise.all([...this.#leaving.values()].map(({ left }) => left))
  }

  #take(instances: readonly Instance[]): void {
    const tiers = callable(instances).map((one) => addressesOf(one, this.#options.protocol))
    if (tiers.some((addresses) => addresses.length > 0)) return this.#use(tiers)
    this.#emptySinceMs ??= performance.now()
  }

  #use(tiers: readonly (readonly string[])[]): void {
    this.#emptySinceMs = undefined
    const before = this.#open
    const kept = new Map(
      tiers.flat().map((address) => [address, before.get(address) ?? this.#options.open(address)] as const),
    )
    this.#open = kept
    for (const [address, channel] of before) if (!kept.has(address)) this.#leave(address, channel)
    this.#current = (tiers.find((addresses) => addresses.length > 0) ?? []).flatMap(
      (address) => kept.get(address) ?? [],
    )
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
  const reluctant = instances.filter((one) => !willing.includes(one) && one.health !== 'not_serving')
  return [willing, reluctant]
}

function addressesOf(instances: readonly Instance[], protocol: string): readonly string[] {
  const endpoints = instances.map((instance) => instance.endpoints.find((endpoint) => endpoint.protocol === protocol))
  return [...new Set(endpoints.flatMap((endpoint) => (endpoint ? [toAddress(endpoint)] : [])))]
}

function toAddress({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
