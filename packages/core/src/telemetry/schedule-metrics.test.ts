import { type Counter, type Histogram, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { recordOmitted, recordRestart, recordRun } from './schedule-metrics.ts'

afterEach(() => metrics.disable())

const run = { service: 'worker', schedule: 'tidy', durationMs: 1_500, errorCode: undefined }
const omitted = { service: 'worker', schedule: 'tidy', reason: 'missed', count: 3 } as const

it('does nothing without an SDK', () => {
  expect(() => {
    recordRun(run)
    recordOmitted(omitted)
    recordRestart({ service: 'worker', task: 'relay' })
  }).not.toThrow()
})

it('records runs in seconds, and counts what was not run and what was begun again', () => {
  const recorded: unknown[] = []
  const record: Histogram['record'] & Counter['add'] = (value, attributes) => void recorded.push([value, attributes])
  const create = (name: string) => (recorded.push(name), { record, add: record })
  const provider = { getMeter: () => ({ createHistogram: create, createCounter: create }) }
  metrics.setGlobalMeterProvider(provider as unknown as MeterProvider)
  recordRun({ ...run, errorCode: 'internal' })
  recordOmitted(omitted)
  recordRestart({ service: 'worker', task: 'relay' })
  const schedule = { 'tenon.service': 'worker', 'tenon.schedule.name': 'tidy' }
  expect(recorded).toEqual([
    'tenon.schedule.run.duration',
    [1.5, { ...schedule, 'error.type': 'internal' }],
    'tenon.schedule.omitted_runs',
    [3, { ...schedule, 'tenon.schedule.reason': 'missed' }],
    'tenon.task.restarts',
    [1, { 'tenon.service': 'worker', 'tenon.task.name': 'relay' }],
  ])
})
