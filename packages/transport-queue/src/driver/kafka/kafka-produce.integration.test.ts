import { setTimeout as delay } from 'node:timers/promises'
import { event } from '@tenon/core/contract'
import kafkajs from 'kafkajs'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { QueueDriver, RecordToSend } from '../../queue-driver.ts'
import { publisherOn } from '../../publish/publisher.test-harness.ts'
import { connect as connectTo, createTopic, join, never } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '').for(['kafkajs', 'platformatic'] as const)(
  `what is sent to Kafka through %s${skipped}`,
  (client) => {
    const connect = () => connectTo(client, { brokers })

    it('is stored once and in the order of its key, beside a record that is refused', async () => {
      const driver = await connect()
      const topic = await createTopic(driver, 4)
      await limitRecords(topic, '20000')
      const records = Array.from({ length: 80 }, (_, index) => toRecord(topic, `key-${index % 8}`, index))
      const tooLarge = { ...toRecord(topic, 'key-0', 80), value: Buffer.alloc(30_000, 'x') }
      const all = [...records.slice(0, 40), tooLarge, ...records.slice(40)]
      const results = await Promise.allSettled(all.map((record) => driver.produce([record], bound)))
      const refused = results.filter(({ status }) => status === 'rejected')
      expect(refused).toMatchObject([{ reason: { code: 'internal', reason: 'record_too_large' } }])
      const stored = await readAll(driver, topic, 80)
      expect([...stored.values()].flat().toSorted((one, other) => one - other)).toEqual(
        records.map((_, index) => index),
      )
      for (const ofKey of stored.values()) expect(ofKey).toEqual(ofKey.toSorted((one, other) => one - other))
    })

    it('is stored once in the topic that takes it, when another takes none', async () => {
      const driver = await connect()
      const topic = await createTopic(driver, 2)
      const good = Array.from({ length: 20 }, (_, index) => ({ ...toRecord(topic, 'key', index), partition: 0 }))
      const bad = good.map((record) => ({ ...record, topic: `${topic}.missing` }))
      const sent = good.flatMap((record, index) => [record, bad[index] ?? record])
      const results = await Promise.allSettled(sent.map((record) => driver.produce([record], bound)))
      expect(results.map(({ status }) => status)).toEqual(sent.map((_, i) => (i % 2 === 0 ? 'fulfilled' : 'rejected')))
      expect(results[1]).toMatchObject({ reason: { code: 'not_found' } })
      const stored = await readAll(driver, topic, 20)
      expect(stored.get('key')).toEqual(good.map((_, index) => index))
    })

    it('goes on to other topics while one is deleted, and to that one when it is back', async () => {
      const driver = await connect()
      const [gone, stays] = [await createTopic(driver), await createTopic(driver)]
      for (const topic of [gone, stays]) await driver.produce([toRecord(topic, 'key', 0)], bound)
      await deleteTopic(gone)
      const toGone = driver.produce([toRecord(gone, 'key', 1)], bound).catch((error: unknown) => error)
      await driver.produce([toRecord(stays, 'key', 1)], bound)
      expect(await Promise.race([toGone, delay(8_000)])).toMatchObject({ code: 'not_found' })
      await driver.ensureTopics([{ topic: gone, partitionCount: 1 }])
      for (const topic of [gone, stays]) await driver.produce([toRecord(topic, 'key', 2)], bound)
      expect(await readAll(driver, gone, 1)).toEqual(new Map([['key', [2]]]))
      expect(await readAll(driver, stays, 3)).toEqual(new Map([['key', [0, 1, 2]]]))
    })

    it('is published to a topic that was deleted, which is created again, while another goes on', async () => {
      const driver = await connect()
      const publisher = publisherOn(driver, { partitionCount: 1 })
      const [gone, stays] = [await createTopic(driver), await createTopic(driver)]
      const publish = (topic: string, count: number) =>
        publisher.publish(event(topic, { key: 'id', payload }), { id: 'key', count })
      for (const topic of [gone, stays]) await publish(topic, 0)
      await deleteTopic(gone)
      const toGone = publish(gone, 1)
      await publish(stays, 1)
      await toGone
      expect(await driver.describe(gone, 'nobody')).toMatchObject([{ earliestOffset: 0, nextOffset: 1 }])
      expect(await driver.describe(stays, 'nobody')).toMatchObject([{ nextOffset: 2 }])
    })
  },
)

const payload = Type.Object({ id: Type.String(), count: Type.Integer() })

const bound = { timeoutMs: 30_000 }

function toRecord(topic: string, key: string, index: number): RecordToSend {
  return { topic, key: Buffer.from(key), value: Buffer.from(String(index)), headers: [] }
}

/** The numbers of each key in their order. Waits a moment for what should not come. */
async function readAll(driver: QueueDriver, topic: string, count: number): Promise<ReadonlyMap<string, number[]>> {
  const byKey = new Map<string, number[]>()
  const all = Promise.withResolvers<void>()
  let readCount = 0
  const member = await join(driver, {
    topic,
    consume: async (partition) => {
      while (!partition.revoked.aborted)
        for (const { key, value } of await partition.fetch()) {
          const name = String(key)
          byKey.set(name, [...(byKey.get(name) ?? []), Number(String(value))])
          readCount += 1
          if (readCount === count) all.resolve()
        }
    },
  })
  await all.promise
  await delay(300)
  await member.leave(never)
  return byKey
}

async function administer(work: (admin: kafkajs.Admin) => Promise<unknown>): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  await work(admin)
}

async function limitRecords(topic: string, maxBytes: string): Promise<void> {
  const resource = { type: 2, name: topic, configEntries: [{ name: 'max.message.bytes', value: maxBytes }] }
  await administer((admin) => admin.alterConfigs({ validateOnly: false, resources: [resource] }))
  await delay(500)
}

async function deleteTopic(topic: string): Promise<void> {
  await administer((admin) => admin.deleteTopics({ topics: [topic] }))
  await delay(500)
}
