import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OpenLoad } from './open-load.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('sends at its rate by turns though nothing comes back, and ends when all has', async () => {
  const sent: string[] = []
  const answer = Promise.withResolvers<void>()
  const lane = (id: string) => ({
    id,
    send: () => {
      sent.push(id)
      return answer.promise
    },
  })
  const load = new OpenLoad([lane('a'), lane('b')], 20)
  load.start()
  await vi.advanceTimersByTimeAsync(500)
  expect(sent.join('')).toBe('ababababab')
  let hasEnded = false
  const finished = load.finish().then(() => (hasEnded = true))
  await vi.advanceTimersByTimeAsync(500)
  expect({ sentCount: sent.length, hasEnded }).toEqual({ sentCount: 10, hasEnded: false })
  answer.resolve()
  await finished
})
