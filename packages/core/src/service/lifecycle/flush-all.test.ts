import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { flushAll } from './flush-all.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('names all that hang within its time, although one of them computes before it waits', async () => {
  const never = () => new Promise<never>(() => undefined)
  const busy = () => {
    vi.advanceTimersByTime(60)
    return never()
  }
  const flushed = flushAll(
    [
      { name: 'metrics', flush: busy },
      { name: 'spans', flush: never },
    ],
    100,
  )
  const failed = expect(flushed).rejects.toMatchObject({
    errors: [{ message: 'metrics: not written within 100 ms' }, { message: 'spans: not written within 40 ms' }],
  })
  await vi.advanceTimersByTimeAsync(40)
  await failed
})
