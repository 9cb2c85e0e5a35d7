import { instanceAttributes, recordEjection, recordPick } from '../../telemetry/client-metrics.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { EjectionReason } from './ejection.ts'
import type { Target } from './target.ts'
import type { PoolListener } from './target-pool.ts'

/** Tells what a pool decides: each call in a metric, each ejection also in the log. */
export class PoolTelemetry implements PoolListener {
  readonly #contract: string
  readonly #log: Logger
  readonly #attributes = new WeakMap<Target, Readonly<Record<string, string>>>()

  constructor(contract: string, log: Logger) {
    this.#contract = contract
    this.#log = log
  }

  picked(target: Target): void {
    recordPick(this.#attributesOf(target))
  }

  ejected(target: Target, reason: EjectionReason): void {
    recordEjection(this.#attributesOf(target), reason)
    this.#log.warn({ ...this.#fieldsOf(target), reason }, 'an instance fails calls and is given none for a while')
  }

  returned(target: Target): void {
    this.#log.info(this.#fieldsOf(target), 'an instance that failed calls is given some again')
  }

  #attributesOf(target: Target): Readonly<Record<string, string>> {
    const known = this.#attributes.get(target)
    if (known) return known
    const attributes = instanceAttributes({ contract: this.#contract, address: target.address })
    this.#attributes.set(target, attributes)
    return attributes
  }

  #fieldsOf({ address }: Target): object {
    return { contract: this.#contract, address }
  }
}
