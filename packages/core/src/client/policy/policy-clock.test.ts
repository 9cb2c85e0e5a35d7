import { expect, it, vi } from 'vitest'
import { processClock } from './policy-clock.ts'

it('runs what is due on the timers of the process, and not what was taken back or is due in years', () => {
  vi.useFakeTimers()
  try {
    const run = vi.fn()
    processClock.after(50, run)
    processClock.after(50, () => expect.unreachable())()
    processClock.after(100 * 365 * 86_400_000, () => expect.unreachable())
    const before = processClock.nowMs()
    vi.advanceTimersByTime(50)
    expect(run).toHaveBeenCalledOnce()
    expect(processClock.nowMs() - before).toBe(50)
    expect(processClock.random()).toBeLessThan(1)
  } finally {
    vi.useRealTimers()
  }
})
