import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { resolveQueue } from '../../../queue-options.ts'
import { memoryBroker } from '../../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../../driver/memory/memory-driver.ts'
import { connected } from '../../../queue-driver.test-harness.ts'
import { logInto } from '../../../queue-transport.test-harness.ts'
import { resolveConsumer } from '../../plan/consumer-settings.ts'
import { RetryTopic } from './retry-topic.ts'
import { SharedProgress } from './shared-progress.ts'

const topic = 'orders'
const name = 'orders.retry.user'

/** The retry topic of the last of three partitions. */
async function topicOfThird() {
  const driver = await connected(memoryDriver({ broker: memoryBroker({ partitionCount: 3 }) }))
  await driver.ensureTopics([{ topic }])
  const settings = resolveQueue({ driver })
  const told: unknown[] = []
  const never = new AbortController().signal
  const source = {
    topic,
    partition: 2,
    revoked: never,
    lost: never,
    startOffset: async () => 0,
    fetch: async () => [],
    commit: async () => true,
    commitBeside: async () => true,
  }
  const consumer = { topic, group: 'user', settings: resolveConsumer({}, settings) }
  const progress = new SharedProgress(driver, settings.clock)
  const retryTopic = new RetryTopic({ source, consumer, settings, log: logInto(told), progress })
  return { driver, retryTopic, told }
}

test('is made with as many partitions as its source, and once', async () => {
  const { driver, retryTopic } = await topicOfThird()
  expect(await retryTopic.make()).toBe(0)
  expect(await driver.describe(name)).toHaveLength(3)
  expect(await retryTopic.make()).toBeUndefined()
})

test('a broker that refuses to create it is asked again by the next message', async () => {
  const { driver, retryTopic } = await topicOfThird()
  const refusal = new Error('topics could not be created: not allowed')
  const { ensureTopics } = driver
  driver.ensureTopics = async () => Promise.reject(refusal)
  for (let tries = 0; tries < 2; tries++) await expect(retryTopic.make()).rejects.toBe(refusal)
  driver.ensureTopics = ensureTopics.bind(driver)
  expect(await retryTopic.make()).toBe(0)
})

test('one that somebody made with fewer partitions is refused until it has enough', async () => {
  const { driver, retryTopic } = await topicOfThird()
  await driver.ensureTopics([{ topic: name, partitionCount: 2 }])
  const text = 'topic orders.retry.user has 2 partitions, and needs more than 2, as many as its source'
  for (let tries = 0; tries < 2; tries++)
    await expect(retryTopic.make()).rejects.toMatchObject({ code: 'failed_precondition', message: text })
  const describe = driver.describe.bind(driver)
  const grown = { partition: 2, earliestOffset: 4, nextOffset: 9, committedOffset: undefined }
  driver.describe = async (of, group) => [...(await describe(of, group)), ...(of === name ? [grown] : [])]
  expect(await retryTopic.make()).toBe(4)
})

test.each([
  ['begins', { earliestOffset: 7, committedOffset: 5 }, 7],
  ['was left', { earliestOffset: 3, committedOffset: 5 }, 5],
])('one that was there all the time is read from where it %s', async (_what, found, startOffset) => {
  const { driver, retryTopic } = await topicOfThird()
  const describe = driver.describe.bind(driver)
  driver.describe = async (of, group) =>
    (await describe(of, group)).map((one) => (of === name ? { ...one, nextOffset: 9, ...found } : one))
  expect(await retryTopic.make()).toBe(startOffset)
})

test('one that its broker does not know yet though it was just made is asked for again', async () => {
  const { driver, retryTopic } = await topicOfThird()
  const describe = driver.describe.bind(driver)
  driver.describe = async (of, group) => {
    if (of === name) throw new ServiceError('not_found', 'no such topic')
    return describe(of, group)
  }
  await expect(retryTopic.make()).rejects.toMatchObject({ code: 'unavailable' })
  driver.describe = describe
  expect(await retryTopic.make()).toBe(0)
})

test('one that its assignment found to be of no use is not asked for, which the log says once', async () => {
  const { driver, retryTopic, told } = await topicOfThird()
  const refusal = new ServiceError('failed_precondition', 'too few')
  for (let assignments = 0; assignments < 2; assignments++) retryTopic.found({ hasTopic: false, refusal })
  await expect(retryTopic.make()).rejects.toBe(refusal)
  await expect(driver.describe(name)).rejects.toMatchObject({ code: 'not_found' })
  expect(told).toEqual([['warn', { err: refusal }, `topic ${name} cannot be used; messages that fail wait in memory`]])
})

test('one that was made anew while its broker was asked is not taken for gone', async () => {
  const { driver, retryTopic } = await topicOfThird()
  const describe = driver.describe.bind(driver)
  const late = Promise.withResolvers<never>()
  driver.describe = (of, group) => (of === name ? late.promise : describe(of, group))
  const asked = retryTopic.isGone()
  // The question is sent when all have asked that do so at once.
  await Promise.resolve()
  driver.describe = describe
  expect(await retryTopic.isGone()).toBe(true)
  retryTopic.gone()
  expect(await retryTopic.make()).toBe(0)
  late.reject(new ServiceError('not_found', 'no such topic'))
  expect(await asked).toBe(false)
})
