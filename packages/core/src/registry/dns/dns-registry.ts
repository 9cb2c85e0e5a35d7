import { isIP } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Newest } from '../newest.ts'
import { persist, type Try } from '../persist.ts'
import type { Discovery, Instance, Registry, WatchOptions } from '../registry.ts'
import { toSnapshot } from '../to-snapshot.ts'
import { DnsAgent } from './dns-agent.ts'
import { DnsLookUp } from './dns-look-up.ts'
import { type DnsPlace, type DnsQuestion, toInstance, toQuestion, toWaitMs } from './dns-mapping.ts'
import { type DnsRegistryOptions, type DnsSettings, resolveDns } from './dns-options.ts'

/**
 * Finds instances in DNS: by the addresses of a name and a port, such as those of a headless service of Kubernetes, or by SRV records. A
 * change is seen when the time to live of what was answered is over, and within `maxTtlMs` in any case; DNS is asked as often.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range` with all that is wrong with the options.
 */
export function dnsRegistry(options: DnsRegistryOptions = {}): Discovery & Registry {
  return new DnsRegistry(resolveDns(options))
}

class DnsRegistry implements Discovery {
  readonly name = 'dns'
  readonly #settings: DnsSettings
  readonly connectsTo?: readonly string[]

  constructor(settings: DnsSettings) {
    this.#settings = settings
    if (settings.servers) this.connectsTo = settings.servers.map(toPeer)
  }

  async *watch(name: string, { signal, onTrouble }: WatchOptions): AsyncGenerator<readonly Instance[]> {
    const ending = new AbortController()
    const leave = AbortSignal.any([signal, ending.signal])
    const question = toQuestion(name, this.#settings)
    const lookUp = new DnsLookUp(new DnsAgent(this.#settings, leave), question)
    const given = new GivenList(question)
    const follow = async ({ succeeded }: Try) => {
      while (!leave.aborted) {
        const { places, ttlMs } = await lookUp.ask()
        succeeded()
        given.put(places)
        await pause(toWaitMs(ttlMs, this.#settings), undefined, { signal: leave, ref: false })
      }
    }
    const troubled = (error: Error) => {
      given.again()
      onTrouble?.(error)
    }
    const following = persist(follow, { signal: leave, onTrouble: troubled })
    try {
      yield* given.lists.read(signal)
    } finally {
      ending.abort()
      await following
    }
  }
}

/** With the port that is asked: 53 where none was given. */
function toPeer(server: string): string {
  const address = server.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(address)
  if (family === 0) return server
  return family === 6 ? `[${address}]:53` : `${address}:53`
}

/** What was given last, of which what has not changed is given again as it is. */
class GivenList {
  readonly lists = new Newest<readonly Instance[]>()
  readonly #question: DnsQuestion
  #known: ReadonlyMap<string, Instance> = new Map()
  #isGiven = false

  constructor(question: DnsQuestion) {
    this.#question = question
  }

  /** Gives the list, unless it is as it was; the order of the answers means nothing. */
  put(places: readonly DnsPlace[]): void {
    const found = toSnapshot(places.map((place) => toInstance(this.#question, place)))
    const list = Object.freeze(found.map((instance) => this.#asItWas(instance)))
    const isChanged = list.length !== this.#known.size || list.some((one) => this.#known.get(one.id) !== one)
    this.#known = new Map(list.map((instance) => [instance.id, instance]))
    if (isChanged || !this.#isGiven) this.lists.put(list)
    this.#isGiven = true
  }

  /** Has the next list given, changed or not. */
  again(): void {
    this.#isGiven = false
  }

  #asItWas(instance: Instance): Instance {
    const known = this.#known.get(instance.id)
    return known?.weight === instance.weight && known !== undefined ? known : instance
  }
}
