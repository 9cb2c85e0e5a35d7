import { createHistogram } from 'node:perf_hooks'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { HealthCheck } from '../../handler/check.ts'
import { eventLoopDelay, eventLoopUtilization, heapUse, latenessMs, processChecks } from './process-checks.ts'

const { signal } = new AbortController()

function opened(check: HealthCheck) {
  const { run, close } = check.open()
  return { run: async () => run({ signal }), [Symbol.dispose]: () => close?.() }
}

/** Keeps the event loop busy until the check has seen it: delays before its first sample are not known. */
async function untilLate(check: { run(): Promise<unknown> }): Promise<string> {
  for (;;) {
    await delay(60)
    block(200)
    const failure = await check.run().then(() => undefined, String)
    if (failure !== undefined) return failure
  }
}

/** Keeps the event loop busy. */
function block(durationMs: number): void {
  const until = performance.now() + durationMs
  while (performance.now() < until);
}

describe('the checks of the process', () => {
  it('decide nothing unless they are told to', () => {
    for (const check of processChecks([])) expect(check.settings.affects).toBe('none')
    expect(heapUse({ affects: 'liveness' }).settings).toMatchObject({ affects: 'liveness', gracePeriodMs: 30_000 })
  })

  it('are there once each, the service’s own before those with defaults', () => {
    const names = (checks: readonly HealthCheck[]) => checks.map(({ name }) => name)
    expect(names(processChecks([]))).toEqual(['event-loop-delay', 'event-loop-utilization', 'heap'])
    expect(names(processChecks([heapUse(), eventLoopDelay()]))).toEqual(['event-loop-utilization'])
  })

  it('see an event loop that is late, and forget it at the next look', async () => {
    using check = opened(eventLoopDelay({ limitMs: 100 }))
    expect(await untilLate(check)).toMatch(/^Error: the event loop was \d+ ms late, more than 100 ms$/)
    await expect(check.run()).resolves.toBeUndefined()
  })

  it('see one standstill, however many turns were on time', () => {
    const delays = createHistogram()
    for (let turn = 0; turn < 1_000; turn += 1) delays.record(50_000_000)
    expect(latenessMs(delays)).toBe(0)
    delays.record(2_500_000_000)
    expect(latenessMs(delays)).toBeCloseTo(2_450, -1)
  })

  it('see an event loop that has no time left', async () => {
    using check = opened(eventLoopUtilization({ limitRatio: 0.5 }))
    await setImmediate()
    block(50)
    // What came before the first look was the start.
    await expect(check.run()).resolves.toBeUndefined()
    block(50)
    await expect(check.run()).rejects.toThrow(/^the event loop was busy to \d+ %, more than 50 %$/)
  })

  it('see a heap that is used too much', async () => {
    using full = opened(heapUse({ limitRatio: 0.000_001 }))
    await expect(full.run()).rejects.toThrow(/^the heap is used to \d+ %, more than 0 %$/)
    using roomy = opened(heapUse())
    await roomy.run()
  })

  it('refuse limits that cannot be', () => {
    for (const limitMs of [0, 9, 60_001, Number.NaN])
      expect(() => eventLoopDelay({ limitMs })).toThrow(
        `eventLoopDelay(…): limitMs must be from 10 to 60000, found ${limitMs} [config.out_of_range]`,
      )
    for (const limitRatio of [0, -1, 1.1])
      expect(() => heapUse({ limitRatio })).toThrow(
        `heapUse(…): limitRatio must be above 0, up to 1, found ${limitRatio} [config.out_of_range]`,
      )
    expect(() => eventLoopUtilization({ limitRatio: 2 })).toThrow('eventLoopUtilization(…): limitRatio')
    expect(() => heapUse({ intervalMs: 1 })).toThrow('heap(…): intervalMs must be from 100')
  })
})
