import { type Attributes, type Counter, type MeterProvider, type MetricOptions, metrics } from '@opentelemetry/api'

/**
 * Counts what is counted often, with a counter that is made once and kept until an SDK is registered: it may be by what the
 * service creates.
 *
 * @param name Of the metric.
 */
export function keptCounter(name: string, facts: MetricOptions): (attributes: Attributes) => void {
  let counter: Counter | undefined
  let madeBy: MeterProvider | undefined
  return (attributes) => {
    const provider = metrics.getMeterProvider()
    if (provider !== madeBy) {
      madeBy = provider
      counter = metrics.getMeter('@tenon/core').createCounter(name, facts)
    }
    counter?.add(1, attributes)
  }
}
