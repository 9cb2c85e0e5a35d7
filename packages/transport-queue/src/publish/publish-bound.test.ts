import { ServiceError } from '@tenon/core/transport'
import { afterEach, expect, it, vi } from 'vitest'
import { type PublishBound, withinBound } from './publish-bound.ts'

afterEach(() => void vi.useRealTimers())

const late = () => new ServiceError('unavailable', 'late')
const never = new Promise<string>(() => undefined)

function bound(given: Partial<PublishBound> = {}): PublishBound {
  return { endsAtMs: performance.now() + 100, isDeadline: false, signal: undefined, ...given }
}

it('gives what the work comes to, and leaves no timer behind', async () => {
  vi.useFakeTimers()
  expect(await withinBound(Promise.resolve('done'), bound(), late)).toBe('done')
  await expect(withinBound(Promise.reject(new Error('no')), bound(), late)).rejects.toThrow('no')
  expect(vi.getTimerCount()).toBe(0)
})

it('ends with the time', async () => {
  vi.useFakeTimers()
  const ended = expect(withinBound(never, bound(), late)).rejects.toThrow('late')
  await vi.advanceTimersByTimeAsync(100)
  await ended
})

it('ends with the signal, at once where it has fired, and leaves no timer behind', async () => {
  vi.useFakeTimers()
  const leaving = new AbortController()
  const ended = expect(withinBound(never, bound({ signal: leaving.signal }), late)).rejects.toMatchObject({
    code: 'cancelled',
  })
  leaving.abort()
  await ended
  await expect(withinBound(never, bound({ signal: leaving.signal }), late)).rejects.toMatchObject({ code: 'cancelled' })
  expect(vi.getTimerCount()).toBe(0)
})
