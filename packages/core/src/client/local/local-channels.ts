import type { ContractInfo } from '../../contract/contract.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { ChannelList } from '../channel-list.ts'
import { markNotSent } from '../not-sent.ts'
import { openObserved } from '../observed-channel.ts'
import { Target } from '../target/target.ts'
import { LocalChannel } from './local-channel.ts'
import { type LocalOffer, offersOf, onOffersChange } from './local-offers.ts'

/** Channels to the services of this process that offer a contract, for as long as they take calls. */
export class LocalChannels implements ChannelList {
  readonly isKnown = true
  readonly #contract: ContractInfo
  readonly #listening: Disposable
  readonly #leaving = new Set<LocalTarget>()
  #open: ReadonlyMap<LocalOffer, LocalTarget> = new Map()
  #current: readonly Target[] = []

  constructor(contract: ContractInfo) {
    this.#contract = contract
    this.#listening = onOffersChange(() => this.#use(offersOf(contract.operations)))
    this.#use(offersOf(contract.operations))
  }

  get current(): readonly Target[] {
    return this.#current
  }

  get opened(): readonly Target[] {
    return [...this.#open.values(), ...this.#leaving].map(({ target }) => target)
  }

  whenKnown(): Disposable {
    return { [Symbol.dispose]: () => undefined }
  }

  emptiness(): ServiceError {
    const message = `no service that runs in this process offers ${this.#contract.name}`
    return markNotSent(new ServiceError('unavailable', message))
  }

  async close(): Promise<void> {
    this.#listening[Symbol.dispose]()
    this.#use([])
    await Promise.all([...this.#leaving].map(({ channel }) => channel.close()))
  }

  #use(offers: readonly LocalOffer[]): void {
    const before = this.#open
    this.#open = new Map(offers.map((offer) => [offer, before.get(offer) ?? this.#toTarget(offer)]))
    for (const [offer, one] of before) if (!this.#open.has(offer)) this.#leave(one)
    const staying = [...this.#open].filter(([{ isLeaving }]) => !isLeaving)
    this.#current = (staying.length > 0 ? staying : [...this.#open]).map(([, { target }]) => target)
  }

  #toTarget(offer: LocalOffer): LocalTarget {
    const { address } = offer
    const channel = new LocalChannel(offer)
    const via = { name: 'local', open: () => channel }
    const observed = openObserved(via, { contract: this.#contract, address, isOneOfSeveral: true })
    return { target: new Target(address, observed), channel }
  }

  /** Calls that run go on until their service cuts them, when its drain is over, or the client is closed. */
  #leave(one: LocalTarget): void {
    this.#leaving.add(one)
    void one.channel.whenIdle().then(() => this.#leaving.delete(one))
  }
}

interface LocalTarget {
  readonly target: Target
  readonly channel: LocalChannel
}
