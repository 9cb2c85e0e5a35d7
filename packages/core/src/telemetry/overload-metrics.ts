import { metrics } from '@opentelemetry/api'

/** What a tenth of a second showed. */
export interface OverloadSample {
  readonly service: string
  readonly concurrencyLimit: number
  readonly waitingCount: number
  /** How many calls were refused, by their criticality. */
  readonly refused: ReadonlyMap<string, number>
}

/** The metrics of a service that protects itself, by their names. Nothing happens without an OpenTelemetry SDK. */
const overloadMetrics = Object.freeze({
  'tenon.overload.refused_calls': { unit: '{call}', description: 'Calls that were refused because of an overload.' },
  'tenon.overload.concurrency_limit': { unit: '{call}', description: 'How many calls may run at a time.' },
  'tenon.overload.waiting_calls': { unit: '{call}', description: 'How many calls wait to begin.' },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/** Records what a service was like. The meter is asked for each time: an SDK may be registered by what the service creates. */
export function recordOverload({ service, concurrencyLimit, waitingCount, refused }: OverloadSample): void {
  const meter = metrics.getMeter('@tenon/core')
  const attributes = { 'tenon.service': service }
  const limit = 'tenon.overload.concurrency_limit'
  const waiting = 'tenon.overload.waiting_calls'
  const refusals = 'tenon.overload.refused_calls'
  meter.createGauge(limit, overloadMetrics[limit]).record(concurrencyLimit, attributes)
  meter.createGauge(waiting, overloadMetrics[waiting]).record(waitingCount, attributes)
  for (const [criticality, count] of refused)
    meter
      .createCounter(refusals, overloadMetrics[refusals])
      .add(count, { ...attributes, 'tenon.call.criticality': criticality })
}
