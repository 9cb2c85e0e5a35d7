import { type Criticality, criticalityName, rankOf, tenantName, toCriticality } from './criticality.ts'
import type { ArrivalHead } from '../arrival.ts'
import type { AskingCall, OverloadControl } from './overload-control.ts'
import type { UsualLatency } from './usual-latency.ts'

export interface LoadFacts {
  /** Id of the operation, or of what else is done. */
  readonly operation: string
  /** False for streams, which last as long as their caller likes, and for what a queue delivers, which has its own number in flight. */
  readonly holdsPlace: boolean
  /** Of calls whose caller does not say. */
  readonly criticality: Criticality
}

/** The calls of one operation, as far as the service protects itself against too many. */
export class OperationLoad {
  readonly holdsPlace: boolean
  readonly #control: OverloadControl
  readonly #operation: string
  readonly #rank: number
  readonly #usual: UsualLatency

  constructor(control: OverloadControl, { operation, holdsPlace, criticality }: LoadFacts) {
    this.holdsPlace = holdsPlace
    this.#control = control
    this.#operation = operation
    this.#rank = rankOf(criticality)
    this.#usual = control.usualLatency()
  }

  /** As `OverloadControl`. */
  refusesAtOnce(head: ArrivalHead): boolean {
    const rank = this.rankOf(toCriticality(head.metadata(criticalityName)))
    const tenant = head.metadata(tenantName) ?? ''
    return this.#control.refusesAtOnce({ operation: this.#operation, transport: head.transport, rank, tenant })
  }

  rankOf(criticality: Criticality | undefined): number {
    return criticality === undefined ? this.#rank : rankOf(criticality)
  }

  /** As `OverloadControl`. */
  takes(call: Pick<AskingCall, 'holdsPlace' | 'isPatient'>): boolean {
    return this.#control.takes(call)
  }

  wait(call: AskingCall): void {
    this.#control.wait(call)
  }

  forget(call: AskingCall): void {
    this.#control.forget(call)
  }

  /**
   * A call that had begun and holds a place has ended.
   *
   * @param tookMs How long it ran; undefined when that tells nothing, as of one that was refused at once.
   * @param isAbandoned Whether `abandoned` was told of it.
   */
  left(tookMs: number | undefined, isAbandoned: boolean): void {
    if (tookMs !== undefined) this.#usual.note(tookMs)
    this.#control.left(isAbandoned)
  }

  /** As `OverloadControl`. */
  abandoned(): void {
    this.#control.abandoned()
  }
}
