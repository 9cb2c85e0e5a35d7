import { ServiceError } from '@tenon/core/transport'
import { afterEach, expect, it, vi } from 'vitest'
import { type PublishBound, untilEnd } from './publish-bound.ts'

afterEach(() => void vi.useRealTimers())

const late = () => new ServiceError('unavailable', 'late')

function bound(given: Partial<PublishBound> = {}): PublishBound {
  return { endsAtMs: performance.now() + 100, isDeadline: false, signal: undefined, ...given }
}

it('tells of nothing once it is stopped, and leaves no timer behind', async () => {
  vi.useFakeTimers()
  const [end, leaving] = [vi.fn(), new AbortController()]
  untilEnd(bound({ signal: leaving.signal }), late, end)()
  expect(vi.getTimerCount()).toBe(0)
  leaving.abort()
  await vi.advanceTimersByTimeAsync(100)
  expect(end).not.toHaveBeenCalled()
})

it('ends with the time', async () => {
  vi.useFakeTimers()
  const end = vi.fn()
  untilEnd(bound(), late, end)
  await vi.advanceTimersByTimeAsync(99)
  expect(end).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(end).toHaveBeenCalledExactlyOnceWith(late())
})

it('ends with the signal, at once where it has fired, and leaves no timer behind', () => {
  vi.useFakeTimers()
  const [end, leaving] = [vi.fn(), new AbortController()]
  untilEnd(bound({ signal: leaving.signal }), late, end)
  leaving.abort()
  untilEnd(bound({ signal: leaving.signal }), late, end)
  expect(end.mock.calls).toMatchObject([[{ code: 'cancelled' }], [{ code: 'cancelled' }]])
  expect(vi.getTimerCount()).toBe(0)
})
