import { ServiceError } from '@tenon/core/transport'
import { expect, it } from 'vitest'
import { topic } from '../../queue-transport.test-harness.ts'
import { pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

const began = '2026-01-01T00:00:00.000Z'
const hindrance = `partition 0 of ${topic}: it waits until ${topic}.retry.user can be read`
const reason = `${hindrance}; partition 0 of ${topic} has not begun in group user since ${began}, though its broker answers`

it('a partition whose retry topic cannot be read though the broker answers ends readiness, with the reason, until it can', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  let isAway = true
  await lose(consumer, () => isAway)
  await pass(stallAfterMs / 2)
  expect(consumer.server.health?.()).toEqual({ isLive: true, isReady: true, reason: hindrance })
  await pass(stallAfterMs)
  const [, since] = /since (\S+Z),/.exec(String(consumer.reason())) ?? []
  expect(consumer.server.health?.()).toEqual({
    isLive: true,
    isReady: false,
    reason: reason.replace(began, String(since)),
  })
  expect(consumer.told('error')).toEqual(['a partition cannot begin, and the service is not ready'])
  isAway = false
  await pass(10_000)
  expect(consumer.server.health?.()).toEqual({ isLive: true, isReady: true, reason: undefined })
  expect(consumer.told('warn')).toContain('a partition that could not begin waits no more')
})

it('it does not while the broker does not answer, however long, nor at once when it is back', async () => {
  const consumer = await watchedConsumer(async () => undefined)
  await lose(consumer, () => true)
  await pass(2 * stallAfterMs)
  expect(consumer.isReady()).toBe(false)
  consumer.broker.stop()
  await pass(stallAfterMs)
  expect(consumer.isReady()).toBe(true)
  await pass(10 * stallAfterMs)
  expect(consumer.isReady()).toBe(true)
  consumer.broker.start()
  await pass(stallAfterMs / 2)
  expect(consumer.isReady()).toBe(true)
  await pass(stallAfterMs)
  expect(consumer.isReady()).toBe(false)
})

/** Another member takes the partition and leaves again, so that the first has to begin anew, while its retry topic may be away. */
async function lose(consumer: Awaited<ReturnType<typeof watchedConsumer>>, isAway: () => boolean): Promise<void> {
  const { driver } = consumer
  const describeTopic = driver.describe.bind(driver)
  driver.describe = async (of, group) => {
    if (of.includes('.retry.') && isAway()) throw new ServiceError('unavailable', 'the leader is away')
    return describeTopic(of, group)
  }
  consumer.broker.evict(driver)
  await pass(0)
}
