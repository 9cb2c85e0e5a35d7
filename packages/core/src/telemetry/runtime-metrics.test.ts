import { type MeterProvider, metrics } from '@opentelemetry/api'
import { afterEach, expect, it, vi } from 'vitest'
import { recordRuntime } from './runtime-metrics.ts'

const monitor = vi.hoisted(() => vi.fn(() => ({ enable: () => true, disable: () => true })))
vi.mock(import('node:perf_hooks'), async (original) => {
  const module = { ...(await original()), monitorEventLoopDelay: monitor }
  return { ...module, default: module } as never
})

afterEach(() => metrics.disable())

it('looks at nothing of the process without an SDK, and once for several that ask with one', () => {
  recordRuntime()()
  expect(monitor).not.toHaveBeenCalled()
  const meter = new Proxy({}, { get: () => () => undefined })
  metrics.setGlobalMeterProvider({ getMeter: () => meter } as unknown as MeterProvider)
  const ends = [recordRuntime(), recordRuntime()]
  expect(monitor).toHaveBeenCalledTimes(1)
  for (const end of ends) end()
})
