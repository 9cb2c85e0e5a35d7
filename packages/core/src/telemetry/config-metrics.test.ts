import { type Counter, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { recordRefused } from './config-metrics.ts'

afterEach(() => metrics.disable())

const refused = { service: 'user', variable: 'RATE' }

it('does nothing without an SDK', () => {
  expect(() => recordRefused(refused)).not.toThrow()
})

it('counts the values of a variable that were refused', () => {
  const recorded: unknown[] = []
  const add: Counter['add'] = (value, attributes) => void recorded.push([value, attributes])
  const createCounter = (name: string) => (recorded.push(name), { add })
  metrics.setGlobalMeterProvider({ getMeter: () => ({ createCounter }) } as unknown as MeterProvider)
  recordRefused(refused)
  expect(recorded).toEqual([
    'tenon.config.refused_values',
    [1, { 'tenon.service': 'user', 'tenon.config.variable': 'RATE' }],
  ])
})
