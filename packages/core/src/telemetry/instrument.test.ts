import { metrics, type MeterProvider, type MetricOptions } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { counter, histogram } from './instrument.ts'

afterEach(() => metrics.disable())

/** Notes what is made of it. */
function noting() {
  const made: [name: string, options: MetricOptions][] = []
  const create = (name: string, options: MetricOptions) => (made.push([name, options]), { add: () => undefined })
  const provider = { getMeter: () => ({ createCounter: create, createHistogram: create }) }
  return { made, provider: provider as unknown as MeterProvider }
}

it('does nothing without an SDK, and begins with one that is registered later', () => {
  counter('tenon.client.picks').add(1)
  const { made, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  counter('tenon.client.picks').add(1)
  expect(made.map(([name]) => name)).toEqual(['tenon.client.picks'])
})

it('makes one of each for an SDK, and another for another SDK', () => {
  const [one, other] = [noting(), noting()]
  metrics.setGlobalMeterProvider(one.provider)
  expect(counter('tenon.client.picks')).toBe(counter('tenon.client.picks'))
  counter('tenon.client.ejections')
  expect(one.made.map(([name]) => name)).toEqual(['tenon.client.picks', 'tenon.client.ejections'])
  metrics.disable()
  metrics.setGlobalMeterProvider(other.provider)
  counter('tenon.client.picks')
  expect(other.made).toHaveLength(1)
})

it('gives the SDK the unit, the description, and the buckets of seconds', () => {
  const { made, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  histogram('tenon.schedule.run.duration')
  counter('tenon.task.restarts')
  const explicitBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
  expect(made.map(([, options]) => options)).toEqual([
    { unit: 's', description: 'How long a run of a schedule took.', advice: { explicitBucketBoundaries } },
    { unit: '{restart}', description: 'How often a background task was begun again.' },
  ])
})
