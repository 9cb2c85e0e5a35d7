import kafkajs from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { clients, connect, createTopic, join, never, send } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '')(`a group whose commit has no record${skipped}`, () => {
  it.each(clients)('says that it begins at the oldest record that is kept, and does: %s', async (client) => {
    const driver = await connect(client, { brokers })
    const topic = await createTopic(driver)
    await send(driver, topic, ['0', '1', '2', '3'])
    await begin(driver, topic, 1)
    await remove(topic, 3)
    expect(await begin(driver, topic, 4)).toEqual([3, 3])
  })

  it.each(clients)(
    'says that it begins at the oldest record where its commit lies behind the end, and does: %s',
    async (client) => {
      const driver = await connect(client, { brokers })
      const topic = await createTopic(driver)
      await send(driver, topic, ['0', '1'])
      await begin(driver, topic, 40)
      expect(await begin(driver, topic, 2)).toEqual([0, 0])
    },
  )

  it.each(clients)('says so where nothing is there that would tell: %s', async (client) => {
    const driver = await connect(client, { brokers })
    const topic = await createTopic(driver)
    await send(driver, topic, ['0', '1'])
    await begin(driver, topic, 40)
    await remove(topic, 2)
    const begun = Promise.withResolvers<number | undefined>()
    const consume = async (partition: AssignedPartition) => begun.resolve(await partition.startOffset())
    const member = await join(driver, { topic, consume })
    expect(await begun.promise).toBe(2)
    await member.leave(never)
  })
})

/** Where a member says that it begins, and its first record, after which it commits. */
async function begin(driver: QueueDriver, topic: string, nextOffset: number) {
  const begun = Promise.withResolvers<readonly [startOffset: number | undefined, first: number | undefined]>()
  const member = await join(driver, {
    topic,
    consume: async (partition) => {
      const startOffset = await partition.startOffset()
      const [first] = await partition.fetch()
      await partition.commit(nextOffset)
      begun.resolve([startOffset, first?.offset])
    },
  })
  const found = await begun.promise
  await member.leave(never)
  return found
}

async function remove(topic: string, beforeOffset: number): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  // Without it kafkajs does not know where the topic is.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(beforeOffset) }] })
}
