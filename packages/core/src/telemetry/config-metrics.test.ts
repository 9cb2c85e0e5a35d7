import { type Counter, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { configMetrics, recordRefused } from './config-metrics.ts'

afterEach(() => metrics.disable())

const refused = { service: 'user', variable: 'RATE' }

it('does nothing without an SDK', () => {
  expect(() => recordRefused(refused)).not.toThrow()
})

it('counts the values of a variable that were refused', () => {
  const recorded: unknown[] = []
  const add: Counter['add'] = (value, attributes) => void recorded.push([value, attributes])
  const createCounter = (name: string, facts: object) => (recorded.push([name, facts]), { add })
  metrics.setGlobalMeterProvider({ getMeter: () => ({ createCounter }) } as unknown as MeterProvider)
  recordRefused(refused)
  const name = 'tenon.config.refused_values'
  expect(recorded).toEqual([
    [name, configMetrics[name]],
    [1, { 'tenon.service': 'user', 'tenon.config.variable': 'RATE' }],
  ])
})
