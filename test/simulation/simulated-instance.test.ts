import { expect, it } from 'vitest'
import { type Reply, serving, SimulatedInstance } from './simulated-instance.ts'
import { SimulatedTime } from './simulated-time.ts'

/** An instance with one worker and room for one more call, and what came of each call, with the time of it. */
function smallInstance() {
  const time = new SimulatedTime(1)
  const options = { address: 'instance:80', zone: 'a', workerCount: 1, queueLimit: 1, serviceMs: 100 }
  const instance = new SimulatedInstance(options, time)
  const replies: [reply: Reply, atMs: number][] = []
  const call = () =>
    instance.take({ isGivenUp: () => false, reply: (reply) => replies.push([reply, Math.round(time.nowMs())]) })
  return { time, instance, replies, call }
}

it('that vanishes fails at once what it works on and what waits, and has none of it when it is back', async () => {
  const { time, instance, replies, call } = smallInstance()
  call()
  call()
  await time.runUntil(10)
  instance.vanish()
  call()
  await time.runUntil(20)
  expect(replies).toEqual([
    ['failed', 11],
    ['failed', 11],
    ['unreachable', 11],
  ])
  instance.conduct = serving
  call()
  call()
  call()
  await time.runUntil(10_000)
  expect(replies.slice(3).map(([reply]) => reply)).toEqual(['refused', 'answered', 'answered'])
  // Half of 100 ms is the same for each call: the worker had nothing else to do, and nothing ended twice.
  expect(replies[4]?.[1]).toBeGreaterThanOrEqual(70)
  expect(replies[5]?.[1]).toBeGreaterThanOrEqual((replies[4]?.[1] ?? Number.NaN) + 50)
})

it('that says nothing for a while answers afterwards what it worked on, unless it vanishes meanwhile', async () => {
  const { time, instance, replies, call } = smallInstance()
  call()
  instance.conduct = { kind: 'hangs' }
  await time.runUntil(10_000)
  expect(replies).toEqual([])
  instance.conduct = serving
  expect(replies).toEqual([['answered', 10_000]])
  call()
  instance.conduct = { kind: 'hangs' }
  await time.runUntil(20_000)
  instance.vanish()
  instance.conduct = serving
  await time.runUntil(30_000)
  expect(replies.slice(1)).toEqual([['failed', 20_001]])
})
