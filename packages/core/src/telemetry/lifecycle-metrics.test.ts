import { type Histogram, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { recordPhase } from './lifecycle-metrics.ts'

afterEach(() => metrics.disable())

const phase = { service: 'note', stage: 'stop', name: 'drain', durationMs: 1_500, error: undefined } as const

it('does nothing without an SDK', () => {
  expect(() => recordPhase(phase)).not.toThrow()
})

it('records seconds, the phase, and what kind of error it ended with', () => {
  const recorded: unknown[] = []
  const record: Histogram['record'] = (value, attributes) => void recorded.push([value, attributes])
  const createHistogram = (name: string) => (recorded.push(name), { record })
  const provider = { getMeter: () => ({ createHistogram }) }
  metrics.setGlobalMeterProvider(provider as unknown as MeterProvider)
  recordPhase({ ...phase, error: new TypeError('broken') })
  expect(recorded).toEqual([
    'tenon.lifecycle.phase.duration',
    [
      1.5,
      {
        'tenon.service': 'note',
        'tenon.lifecycle.stage': 'stop',
        'tenon.lifecycle.phase': 'drain',
        'error.type': 'TypeError',
      },
    ],
  ])
})
