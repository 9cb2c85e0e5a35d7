import type { DnsAgent } from './dns-agent.ts'
import { type DnsAddress, type DnsPlace, type DnsQuestion, type DnsServiceRecord, toWeights } from './dns-mapping.ts'

/** What DNS says at one time. */
export interface DnsAnswer {
  readonly places: readonly DnsPlace[]
  /** How long that is right; undefined where DNS does not say, or Node does not tell. */
  readonly ttlMs: number | undefined
}

/** Asks again and again for one thing, and keeps of the answers what is right for longer. */
export class DnsLookUp {
  readonly #agent: DnsAgent
  readonly #question: DnsQuestion
  /** Of the hosts that SRV records name. */
  #hosts: ReadonlyMap<string, KnownHost> = new Map()

  constructor(agent: DnsAgent, question: DnsQuestion) {
    this.#agent = agent
    this.#question = question
  }

  async ask(): Promise<DnsAnswer> {
    const { host, port } = this.#question
    if (port === undefined) return this.#askServices(await this.#agent.services(host))
    const addresses = await this.#agent.addresses(host)
    return { places: addresses.map(({ address }) => ({ address, port })), ttlMs: leastTtlMs(addresses) }
  }

  async #askServices(records: readonly DnsServiceRecord[]): Promise<DnsAnswer> {
    const weights = toWeights(records)
    const hosts = await this.#askHosts(new Set(records.map(({ name }) => name)))
    const places = records.flatMap(({ name, port }, index) => {
      const addresses = hosts.get(name)?.addresses ?? []
      return addresses.map(({ address }) => ({ address, port, weight: weights[index] ?? 1 }))
    })
    return { places, ttlMs: leastTtlMs([...hosts.values()].flatMap(({ addresses }) => addresses)) }
  }

  async #askHosts(names: ReadonlySet<string>): Promise<ReadonlyMap<string, KnownHost>> {
    const hosts = new Map<string, KnownHost>()
    const unasked = names.values()
    const lane = async () => {
      for (const name of unasked) hosts.set(name, await this.#askHost(name))
    }
    await Promise.all(Array.from({ length: laneCount }, lane))
    this.#hosts = hosts
    return hosts
  }

  async #askHost(name: string): Promise<KnownHost> {
    const known = this.#hosts.get(name)
    if (known !== undefined && known.rightUntilMs > performance.now()) return known
    const addresses = await this.#agent.addresses(name)
    return { addresses, rightUntilMs: performance.now() + (leastTtlMs(addresses) ?? 0) }
  }
}

interface KnownHost {
  readonly addresses: readonly DnsAddress[]
  /** As `performance.now()`. */
  readonly rightUntilMs: number
}

/** Questions at the same time; a guess that no server drops. */
const laneCount = 16

function leastTtlMs(addresses: readonly DnsAddress[]): number | undefined {
  return addresses.length === 0 ? undefined : Math.min(...addresses.map(({ ttlMs }) => ttlMs))
}
