import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { durationWithin, limitFor, withTimeLimit } from './time-limit.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const tooLate = () => new Error('too late')
const never = () => new Promise<never>(() => undefined)

describe('withTimeLimit', () => {
  it('gives what the run gave or threw, and leaves no timer behind', async () => {
    expect(await withTimeLimit(() => 1, { timeoutMs: 10, tooLate })).toBe(1)
    await expect(withTimeLimit(() => Promise.reject(new Error('broken')), { timeoutMs: 10, tooLate })).rejects.toThrow(
      'broken',
    )
    const thrown = withTimeLimit(
      () => {
        throw new Error('at once')
      },
      { timeoutMs: 10, tooLate },
    )
    await expect(thrown).rejects.toThrow('at once')
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    [20, 10],
    [100, 75],
    [1_000, 900],
    [60_000, 59_500],
  ])('of %i ms tells the run after %i ms, and goes on without it at the end', async (timeoutMs, noticeMs) => {
    const events: (string | number)[] = []
    const startedAt = Date.now()
    const run = (signal: AbortSignal, givenMs: number, graceMs: number) => {
      expect(givenMs + graceMs).toBe(timeoutMs)
      events.push(givenMs)
      signal.addEventListener('abort', () => events.push('told', Date.now() - startedAt))
      return never()
    }
    const ended = withTimeLimit(run, { timeoutMs, tooLate }).catch((error: Error) => error.message)
    await vi.runAllTimersAsync()
    expect(await ended).toBe('too late')
    expect([...events, Date.now() - startedAt]).toEqual([noticeMs, 'told', noticeMs, timeoutMs])
  })

  it('lets a run that was told end by itself', async () => {
    const run = (signal: AbortSignal) =>
      new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('ended')))
    const ended = withTimeLimit(run, { timeoutMs: 100, tooLate })
    await vi.runAllTimersAsync()
    expect(await ended).toBe('ended')
  })

  it.each([0, 0.4, 1, 100])(
    'of %d ms is given up after one within it, so that the error names what hung',
    async (timeoutMs) => {
      const inner = (leftMs: number) => withTimeLimit(never, { timeoutMs: leftMs, tooLate: () => new Error('it hung') })
      const ended = withTimeLimit((_signal, leftMs) => inner(leftMs), { timeoutMs, tooLate })
      const failed = expect(ended).rejects.toThrow('it hung')
      await vi.runAllTimersAsync()
      await failed
    },
  )

  it('waits its grace after the signal, however late that was', async () => {
    const told = Promise.withResolvers<void>()
    const run = (signal: AbortSignal) =>
      new Promise<string>((resolve) => {
        signal.addEventListener('abort', () => {
          told.resolve()
          setTimeout(() => resolve('ended'), 20)
        })
      })
    const ended = withTimeLimit(run, { timeoutMs: 100, tooLate })
    // The event loop stood still: all timers are due at once.
    vi.setSystemTime(Date.now() + 500)
    await vi.advanceTimersByTimeAsync(75)
    await told.promise
    await vi.advanceTimersByTimeAsync(20)
    expect(await ended).toBe('ended')
  })

  it('tells a run without any time from its beginning', async () => {
    expect(await withTimeLimit((signal) => signal.aborted, { timeoutMs: 0, tooLate })).toBe(true)
  })

  it('swallows what a run throws after its time', async () => {
    const run = () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('late')), 200))
    const ended = withTimeLimit(run, { timeoutMs: 100, tooLate }).catch((error: Error) => error.message)
    await vi.runAllTimersAsync()
    expect(await ended).toBe('too late')
  })
})

describe('limitFor', () => {
  it.each([1, 10, 24, 25, 30, 225, 226, 1_000, 4_500, 4_501, 60_000])(
    'lets something take %i ms before its signal fires, and hardly longer',
    async (durationMs) => {
      const began = performance.now()
      const told = Promise.withResolvers<number>()
      const limit = { timeoutMs: limitFor(durationMs), tooLate }
      const run = (signal: AbortSignal) => {
        signal.addEventListener('abort', () => told.resolve(performance.now() - began))
        return never()
      }
      const ended = withTimeLimit(run, limit).catch(() => undefined)
      await vi.runAllTimersAsync()
      await ended
      expect(await told.promise).toBeGreaterThanOrEqual(durationMs)
      expect(await told.promise).toBeLessThanOrEqual(durationMs + 2)
      expect(durationWithin(limitFor(durationMs))).toBeGreaterThanOrEqual(durationMs - 1)
      expect(limitFor(durationWithin(limitFor(durationMs)))).toBeLessThanOrEqual(limitFor(durationMs))
    },
  )
})
