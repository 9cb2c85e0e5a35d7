import { expect, it, vi } from 'vitest'
import { processTimer } from './policy-timer.ts'

it('runs what is due on the timers of the process, and not what was taken back or is due in years', () => {
  vi.useFakeTimers()
  try {
    const run = vi.fn()
    processTimer(50, run)
    processTimer(50, () => expect.unreachable())()
    processTimer(100 * 365 * 86_400_000, () => expect.unreachable())
    vi.advanceTimersByTime(49)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(run).toHaveBeenCalledOnce()
  } finally {
    vi.useRealTimers()
  }
})
