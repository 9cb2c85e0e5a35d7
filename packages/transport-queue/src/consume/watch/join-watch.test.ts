import { expect, it, vi } from 'vitest'
import { wait } from '../../wait.ts'
import { pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

/** As long as a group may be joined at least. */
const graceMs = 300_000
const began = '2026-01-01T00:00:00.000Z'
const reason = `group user has not been given its partitions since ${began}, though its broker answers`

it('a group that is never given its partitions though the broker answers ends liveness, with the reason, until it is', async () => {
  const turn = Promise.withResolvers<void>()
  const consumer = await watchedConsumer(async () => undefined, { joinTimeoutMs: 0, joinAfter: turn.promise })
  expect(await consumer.staysLive(graceMs - 1_000)).toBe(true)
  await pass(stallAfterMs / 4)
  expect(consumer.server.health?.()).toEqual({
    isLive: false,
    isReady: false,
    reason: `${reason}; group user has not been given its partitions yet`,
  })
  expect(await consumer.report()).toMatchObject({ state: 'stalled', joiningSinceAt: Date.parse(began), stalls: [] })
  await pass(graceMs)
  expect(consumer.told('error')).toEqual([`${reason}; the service is not live until it is`])
  turn.resolve()
  await pass(0)
  expect(consumer.server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
  await pass(stallAfterMs / 4)
  expect(await consumer.report()).toMatchObject({ state: 'assigned', joiningSinceAt: undefined })
  expect(consumer.told('warn')).toContain('group user waits no more to have been given its partitions')
})

it('a group that is joined anew and never is again ends it, too', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  await pass(2 * graceMs)
  consumer.setState('joining')
  expect(await consumer.staysLive(graceMs)).toBe(true)
  await pass(stallAfterMs / 2)
  expect([consumer.isLive(), consumer.server.health?.().isReady]).toEqual([false, true])
})

it('a group is given the time of several rebalances, where these may take long', async () => {
  const consumer = await watchedConsumer(async () => undefined, { longestRebalanceMs: 600_000 })
  consumer.setState('joining')
  expect(await consumer.staysLive(3_000_000 - 1_000)).toBe(true)
  await pass(stallAfterMs / 2)
  expect(consumer.isLive()).toBe(false)
})

it('a group that is joined over and over, each time soon, does not', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  for (let round = 0; round < 10; round++) {
    consumer.setState('joining')
    expect(await consumer.staysLive(graceMs - stallAfterMs)).toBe(true)
    consumer.setState('assigned')
    expect(await consumer.staysLive(stallAfterMs)).toBe(true)
  }
})

it('a group whose broker is away does not, however long, nor at once when it is back', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  consumer.setState('joining')
  await pass(graceMs - stallAfterMs)
  consumer.broker.stop()
  expect(await consumer.staysLive(5 * graceMs)).toBe(true)
  consumer.broker.start()
  expect(await consumer.staysLive(graceMs - stallAfterMs / 4)).toBe(true)
  await pass(stallAfterMs / 2)
  expect(consumer.isLive()).toBe(false)
})

it('a group in a process that stood still itself is given the time anew', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  consumer.setState('joining')
  await pass(stallAfterMs)
  // As after SIGCONT: the clock has gone on, and no timer has fired.
  vi.setSystemTime(Date.now() + 10 * graceMs)
  expect(await consumer.staysLive(graceMs)).toBe(true)
})

it('a group that is given its partitions while the broker is asked is not taken for stuck', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  const describeTopic = consumer.driver.describe.bind(consumer.driver)
  consumer.setState('joining')
  await pass(graceMs - stallAfterMs / 4)
  Object.assign(consumer.driver, {
    describe: async (of: string, group: string) => {
      consumer.setState('assigned')
      await wait(1_000, new AbortController().signal)
      return describeTopic(of, group)
    },
  })
  expect(await consumer.staysLive(stallAfterMs)).toBe(true)
  expect(consumer.told('error')).toEqual([])
})

it('a group that still waits when its broker goes away is not said to wait no more', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  consumer.setState('joining')
  await pass(graceMs + stallAfterMs)
  expect(consumer.isLive()).toBe(false)
  consumer.broker.stop()
  await pass(stallAfterMs)
  expect(consumer.isLive()).toBe(true)
  const told = consumer.told('warn').filter((line) => line.startsWith('group user'))
  expect(told).toEqual([
    'group user has not been given its partitions and is judged anew: its broker does not answer, or this process stood still',
  ])
})

it('a group that waits when its service drains is said neither to be judged anew nor to wait no more', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  consumer.setState('joining')
  await pass(graceMs + stallAfterMs)
  expect(consumer.isLive()).toBe(false)
  const toldBefore = consumer.told('warn')
  await consumer.server.drain(AbortSignal.timeout(1_000))
  expect(consumer.told('warn')).toEqual(toldBefore)
})
