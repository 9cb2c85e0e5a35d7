import { channel } from 'node:diagnostics_channel'
import {
  type InstanceAttributes,
  instanceAttributes,
  recordBreaker,
  recordEjection,
  recordPassedOver,
  recordPick,
  recordReturn,
} from '../../telemetry/client-metrics.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { BreakerState } from '../policy/breaker/breaker.ts'
import type { EjectionReason } from './ejection.ts'
import { type InstanceDecision, instanceDecisionChannelName } from './instance-decision.ts'
import type { Target } from './target.ts'
import type { PoolListener } from './target-pool.ts'

const decisions = channel(instanceDecisionChannelName)

/** Tells what a pool decides: all of it in metrics and on a diagnostics channel, ejections and returns also in the log. */
export class PoolTelemetry implements PoolListener {
  readonly #contract: string
  readonly #log: Logger
  readonly #attributes = new WeakMap<Target, InstanceAttributes>()

  constructor(contract: string, log: Logger) {
    this.#contract = contract
    this.#log = log
  }

  picked(target: Target): void {
    recordPick(this.#attributesOf(target))
    // Nothing is made where nobody listens: there is one of these for each call.
    if (decisions.hasSubscribers) this.#publish(target, 'picked')
  }

  passedOver(target: Target): void {
    recordPassedOver(this.#attributesOf(target))
    if (decisions.hasSubscribers) this.#publish(target, 'passed_over')
  }

  /** Not in the log: where a remote fails altogether, those of all its instances change. */
  breakerChanged(target: Target, state: BreakerState): void {
    recordBreaker(this.#attributesOf(target), state)
    this.#publish(target, state === 'open' ? 'breaker_opened' : 'breaker_closed')
  }

  ejected(target: Target, reason: EjectionReason): void {
    recordEjection(this.#attributesOf(target), reason)
    this.#publish(target, 'ejected', reason)
    this.#log.warn({ ...this.#fieldsOf(target), reason }, 'an instance fails calls and is given none for a while')
  }

  returned(target: Target): void {
    recordReturn(this.#attributesOf(target))
    this.#publish(target, 'returned')
    this.#log.info(this.#fieldsOf(target), 'an instance that failed calls is given some again')
  }

  #publish(target: Target, decision: InstanceDecision['decision'], reason?: EjectionReason): void {
    decisions.publish({ ...this.#fieldsOf(target), decision, ...(reason && { reason }) } satisfies InstanceDecision)
  }

  #attributesOf(target: Target): InstanceAttributes {
    const known = this.#attributes.get(target)
    if (known) return known
    const attributes = instanceAttributes({ contract: this.#contract, address: target.address })
    this.#attributes.set(target, attributes)
    return attributes
  }

  #fieldsOf({ address }: Target): Pick<InstanceDecision, 'contract' | 'address'> {
    return { contract: this.#contract, address }
  }
}
