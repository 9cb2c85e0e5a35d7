import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { publisherOn } from '../../publish/publisher.test-harness.ts'
import { connect as connectTo, createTopic } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

afterEach(() => void vi.restoreAllMocks())

describe.skipIf(skipped !== '').for(['kafkajs', 'platformatic'] as const)(
  `a topic of Kafka that changes under %s${skipped}`,
  (client) => {
    const connect = () => connectTo(client, { brokers })

    it('takes what is told stored when it has come back with fewer partitions', async () => {
      const driver = await connect()
      const topic = await createTopic(driver, 4)
      await Promise.all(records(topic).map((record) => driver.produce([record], bound)))
      await createAgain(driver, topic, 1)
      const results = await Promise.allSettled(records(topic).map((record) => driver.produce([record], bound)))
      for (const result of results)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'not_found' })
      const storedCount = results.filter(({ status }) => status === 'fulfilled').length
      expect(await countRecords(driver, topic)).toBe(storedCount)
      // What was told to be gone goes through the second time, to the partitions that there are.
      await Promise.all(records(topic).map((record) => driver.produce([record], bound)))
      expect(await countRecords(driver, topic)).toBe(storedCount + 40)
    })

    it('takes all that is told stored when it has more partitions than the producer knows', async () => {
      const driver = await connect()
      const topic = await createTopic(driver, 1)
      await Promise.all(records(topic).map((record) => driver.produce([record], bound)))
      await administer((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }))
      await untilPartitions(driver, topic, 4)
      letCountGrowOld()
      // The first that come go by the old number, while the new one is asked for.
      await driver.produce(records(topic).slice(0, 1), bound)
      let progress = await driver.describe(topic, 'nobody')
      for (; progress.some(({ nextOffset }) => nextOffset === 0); progress = await driver.describe(topic, 'nobody'))
        await driver.produce(records(topic), bound)
      const before = await countRecords(driver, topic)
      await Promise.all(records(topic).map((record) => driver.produce([record], bound)))
      expect(await countRecords(driver, topic)).toBe(before + 40)
    })

    it('goes and fails none of the others, whether they were sent to before or not', async () => {
      const driver = await connect()
      const [gone, old] = [await createTopic(driver), await createTopic(driver)]
      for (const topic of [gone, old]) await driver.produce(records(topic), bound)
      await administer((admin) => admin.deleteTopics({ topics: [gone] }))
      await untilPartitions(driver, gone, 0)
      const young = await createTopic(driver)
      await Promise.all([young, old].map((topic) => driver.produce(records(topic), bound)))
      expect([await countRecords(driver, young), await countRecords(driver, old)]).toEqual([40, 80])
    })

    it('is published to in full when it comes back with fewer partitions', async () => {
      const { event } = await import('@tenon/core/contract')
      const { default: Type } = await import('typebox')
      const driver = await connect()
      const publisher = publisherOn(driver, { partitionCount: 1 })
      const topic = await createTopic(driver, 4)
      const placed = event(topic, { key: 'id', payload: Type.Object({ id: Type.String() }) })
      const publishAll = () => Promise.all(keys.map((id) => publisher.publish(placed, { id })))
      await publishAll()
      await createAgain(driver, topic, 1)
      await publishAll()
      expect(await countRecords(driver, topic)).toBe(40)
    })
  },
)

const bound = { timeoutMs: 30_000 }

const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`)

function records(topic: string): readonly RecordToSend[] {
  return keys.map((key) => ({ topic, key: Buffer.from(key), value: Buffer.from(key), headers: [] }))
}

/** Later than any number of partitions is taken for right, by the clock of the lanes only. */
function letCountGrowOld(): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 301_000)
}

async function createAgain(driver: QueueDriver, topic: string, count: number): Promise<void> {
  await administer(async (admin) => {
    await admin.deleteTopics({ topics: [topic] })
    // A name is free again only when the brokers have let go of it.
    for (let isCreated = false; !isCreated; await delay(50)) {
      const made = admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: count }] })
      isCreated = await made.catch(() => false)
    }
  })
  await untilPartitions(driver, topic, count)
}

async function untilPartitions(driver: QueueDriver, topic: string, count: number): Promise<void> {
  while ((await driver.describe(topic, 'nobody').catch(() => [])).length !== count) await delay(50)
}

async function countRecords(driver: QueueDriver, topic: string): Promise<number> {
  const progress = await driver.describe(topic, 'nobody')
  return progress.reduce((sum, { nextOffset }) => sum + nextOffset, 0)
}

async function administer(work: (admin: kafkajs.Admin) => Promise<unknown>): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  await work(admin)
}
