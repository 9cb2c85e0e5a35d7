import { metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { recordOverload } from './overload-metrics.ts'

afterEach(() => metrics.disable())

const sample = { service: 'order', concurrencyLimit: 40, waitingCount: 3 }

it('does nothing without an SDK', () => {
  expect(() => recordOverload({ ...sample, pressure: 'normal', refused: new Map() })).not.toThrow()
})

it('tells how many calls may run and wait and whether consumers are held, and counts those that were refused by how critical they were', () => {
  const recorded: unknown[] = []
  const note = (name: string) => ({
    record: (value: number, given: object) => void recorded.push([name, value, given]),
    add: (value: number, given: object) => void recorded.push([name, value, given]),
  })
  const provider = { getMeter: () => ({ createGauge: note, createCounter: note }) }
  metrics.setGlobalMeterProvider(provider as unknown as MeterProvider)
  const refused = new Map([
    ['critical', 1],
    ['sheddable', 7],
  ])
  recordOverload({ ...sample, pressure: 'high', refused })
  recordOverload({ ...sample, pressure: 'normal', refused: new Map() })
  const attributes = { 'tenon.service': 'order' }
  const gauges = (pressure: number) => [
    ['tenon.overload.concurrency_limit', 40, attributes],
    ['tenon.overload.waiting_calls', 3, attributes],
    ['tenon.overload.pressure', pressure, attributes],
  ]
  expect(recorded).toEqual([
    ...gauges(1),
    ['tenon.overload.refused_calls', 1, { ...attributes, 'tenon.call.criticality': 'critical' }],
    ['tenon.overload.refused_calls', 7, { ...attributes, 'tenon.call.criticality': 'sheddable' }],
    ...gauges(0),
  ])
})
