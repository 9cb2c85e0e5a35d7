import { expect, it } from 'vitest'
import { AdaptiveLimit, type LimitSample } from './adaptive-limit.ts'
import { UsualLatency } from './usual-latency.ts'

/** Where a limit comes to when windows like this go on, and it is used as far as it goes. */
function limitAfter(windowCount: number, sample: Partial<LimitSample>): number {
  const limit = new AdaptiveLimit({ maxLatencyFactor: 2, maxDelayMs: 100, minConcurrentCalls: 10 })
  for (let index = 0; index < windowCount; index += 1)
    limit.update({ slowness: 1, latenessMs: 0, peakCount: limit.value, ...sample })
  return limit.value
}

it.each([
  { because: 'calls take as long as usual', sample: {}, windowCount: 1, value: 214 },
  { because: 'calls take no more than twice as long as usual', sample: { slowness: 2 }, windowCount: 1, value: 214 },
  { because: 'calls take longer', sample: { slowness: 3 }, windowCount: 1, value: 133 },
  { because: 'calls take very long, no more than by half', sample: { slowness: 1000 }, windowCount: 1, value: 100 },
  { because: 'the event loop is late', sample: { latenessMs: 150 }, windowCount: 1, value: 133 },
  {
    because: 'the event loop is late where no call ended',
    sample: { slowness: undefined, latenessMs: 150 },
    windowCount: 1,
    value: 133,
  },
  { because: 'no call ended', sample: { slowness: undefined }, windowCount: 1, value: 200 },
  { because: 'less than half of it was used', sample: { slowness: 1000, peakCount: 99 }, windowCount: 1, value: 200 },
  { because: 'it is the least', sample: { slowness: 1000 }, windowCount: 100, value: 10 },
])('is $value after $windowCount window(s) when $because', ({ sample, windowCount, value }) => {
  expect(limitAfter(windowCount, sample)).toBe(value)
})

/** Where a limit comes to when calls take so many times as long from one moment on, however few of them run. */
function limitAfterSlowing(factor: number, minConcurrentCalls: number): number {
  const limit = new AdaptiveLimit({ maxLatencyFactor: 2, maxDelayMs: 100, minConcurrentCalls })
  const usual = new UsualLatency()
  for (let window = 0; window < 1_000; window += 1) {
    for (let call = 0; call < 50; call += 1) usual.note(window < 50 ? 20 : 20 * factor)
    const slowness = usual.close(limit.isLowest)?.slowness
    limit.update({ slowness, latenessMs: 0, peakCount: limit.value })
  }
  return limit.value
}

it.each([1, 3, 10].flatMap((least) => [2.2, 2.5, 2.8, 3.5, 6].map((factor) => ({ least, factor }))))(
  'learns that calls take $factor times as long for good, where its least is $least',
  ({ least, factor }) => {
    expect(limitAfterSlowing(factor, least)).toBeGreaterThan(1_000)
  },
)
