import { type MeterProvider, metrics } from '@opentelemetry/api'
import { attempt } from './attempt.ts'
import { type MetricAttributes, observe } from './instrument.ts'

/** The metrics of how many calls run. */
const activeMetrics = ['http.server.active_requests', 'tenon.server.active_calls'] as const

/** Which calls are counted together. */
export interface ActiveCalls {
  readonly metric: (typeof activeMetrics)[number]
  readonly attributes: MetricAttributes<(typeof activeMetrics)[number]>
}

/**
 * Counts calls that begin and end. The SDK looks at the sums when it collects: to add to its own counter twice a call would cost more than
 * the span of one that is not sampled.
 *
 * @param active The same object for all calls of an operation.
 */
export function countActive(active: ActiveCalls, change: 1 | -1): void {
  const provider = metrics.getMeterProvider()
  if (provider !== watchedBy) watch(provider)
  countOf(active).value += change
}

interface Count extends ActiveCalls {
  value: number
}

/** By metric and attributes. */
const counts = new Map<string, Count>()
let known = new WeakMap<ActiveCalls, Count>()
let watchedBy: MeterProvider | undefined
let unwatch: (() => void) | undefined

function countOf(active: ActiveCalls): Count {
  const found = known.get(active)
  if (found) return found
  const { metric, attributes } = active
  const key = JSON.stringify([metric, attributes])
  const count = counts.get(key) ?? { metric, attributes, value: 0 }
  counts.set(key, count)
  known.set(active, count)
  return count
}

/** Another SDK is told only of what is counted while it is there, and of what still runs. */
function watch(provider: MeterProvider): void {
  watchedBy = provider
  attempt(() => unwatch?.())
  for (const [key, { value }] of counts) if (value === 0) counts.delete(key)
  known = new WeakMap()
  unwatch = attempt(() =>
    observe(activeMetrics, (tell) => {
      for (const { metric, attributes, value } of counts.values()) tell(metric, value, attributes)
    }),
  )
}
