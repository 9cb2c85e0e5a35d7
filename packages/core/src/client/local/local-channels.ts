import type { ContractInfo } from '../../contract/contract.ts'
import { ServiceError } from '../../error/service-error.ts'
import type { ChannelList } from '../channel-list.ts'
import type { ClientTarget } from '../client-transport.ts'
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
  readonly #leaving = new Map<Target, Promise<void>>()
  #open: ReadonlyMap<LocalOffer, Target> = new Map()
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
    return [...this.#open.values(), ...this.#leaving.keys()]
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
    await Promise.all(this.#leaving.values())
  }

  #use(offers: readonly LocalOffer[]): void {
    const before = this.#open
    this.#open = new Map(offers.map((offer) => [offer, before.get(offer) ?? this.#toTarget(offer)]))
    for (const [offer, target] of before) if (!this.#open.has(offer)) this.#leave(target)
    const staying = [...this.#open].filter(([{ isLeaving }]) => !isLeaving)
    this.#current = (staying.length > 0 ? staying : [...this.#open]).map(([, target]) => target)
  }

  #toTarget(offer: LocalOffer): Target {
    const { address } = offer
    const via = { name: 'local', open: ({ contract }: ClientTarget) => new LocalChannel(contract, offer) }
    return new Target(address, openObserved(via, { contract: this.#contract, address, isOneOfSeveral: true }))
  }

  /** Calls that run go on, and their service waits for them. */
  #leave(target: Target): void {
    const left = target.channel.close().finally(() => this.#leaving.delete(target))
    this.#leaving.set(target, left)
  }
}
