import { counter, gauge } from './instrument.ts'

/** What a tenth of a second showed. */
export interface OverloadSample {
  readonly service: string
  readonly concurrencyLimit: number
  readonly waitingCount: number
  readonly pressure: 'normal' | 'high'
  /** How many calls were refused, by their criticality. */
  readonly refused: ReadonlyMap<string, number>
}

/** Records what a service was like. */
export function recordOverload({ service, concurrencyLimit, waitingCount, pressure, refused }: OverloadSample): void {
  const attributes = { 'tenon.service': service }
  gauge('tenon.overload.concurrency_limit').record(concurrencyLimit, attributes)
  gauge('tenon.overload.waiting_calls').record(waitingCount, attributes)
  gauge('tenon.overload.pressure').record(pressure === 'high' ? 1 : 0, attributes)
  for (const [criticality, count] of refused)
    counter('tenon.overload.refused_calls').add(count, { ...attributes, 'tenon.call.criticality': criticality })
}
