import { expect, it } from 'vitest'
import { fakeClock } from '../../queue-transport.test-harness.ts'
import { Pace } from './pace.ts'

const { signal } = new AbortController()

it('spreads messages evenly, whatever time passed without any', async () => {
  const clock = fakeClock()
  const pace = new Pace(10, clock)
  await pace.take(1, signal)
  await pace.take(2, signal)
  await clock.wait(60_000)
  for (let count = 0; count < 3; count++) await pace.take(1, signal)
  // The first after the pause goes at once, and those behind it are 100 ms from each other.
  expect(clock.waitedMs).toEqual([100, 60_000, 100, 100])
})

it('waits for nothing without a rate, nor behind its signal', async () => {
  const clock = fakeClock()
  const free = new Pace(undefined, clock)
  for (let count = 0; count < 3; count++) await free.take(1_000, signal)
  const pace = new Pace(1, clock)
  for (let count = 0; count < 3; count++) await pace.take(1, AbortSignal.abort())
  expect(clock.waitedMs).toEqual([])
})
