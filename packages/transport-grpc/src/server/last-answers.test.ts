import { expect, test } from 'vitest'
import { lastAnswersMs } from './last-answers.ts'

test.each([100, 200, 500, 1_000, 20_000, 600_000])(
  'answers have some, but not all of what is left of a drain of %i ms',
  (timeoutMs) => {
    const leftMs = Math.min(500, timeoutMs / 10)
    expect(lastAnswersMs(timeoutMs - leftMs)).toBeLessThanOrEqual(leftMs * 0.9)
    expect(lastAnswersMs(timeoutMs - leftMs)).toBeGreaterThanOrEqual(leftMs * 0.4)
  },
)

test.each([12, 25, 500])(
  'answers have half of what the service still waits, %i ms, however late the deadline came',
  (graceMs) => {
    expect(lastAnswersMs(20_000, graceMs)).toBe(Math.round(graceMs / 2))
  },
)

test('answers have a few milliseconds, however short the drain', () => {
  expect(lastAnswersMs(0)).toBe(5)
})
