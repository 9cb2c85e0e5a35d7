import { randomBytes } from 'node:crypto'
import { defineConsumer, defineService, upcast } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import kafkajs from 'kafkajs'
import Type from 'typebox'
import { describe, expect, it, onTestFinished } from 'vitest'
import { endlessDelays } from '../consume/retry-schedule.ts'
import { queueDriver } from '../driver/choose-driver.ts'
import type { AssignedPartition, QueueDriver } from '../queue-driver.ts'
import { queueDefaults, resolveQueue } from '../queue-options.ts'
import { queueTransport } from '../queue-transport.ts'
import { deadLetterTopic } from './dead-letter.ts'
import { DeadLetterStore } from './dead-letter-store.ts'
import { listDeadLetters } from './list-dead-letters.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(reason !== '')(`dead letters on Kafka${reason}`, () => {
  it.for(['kafkajs', 'platformatic'] as const)(
    'come into a topic that has gone meanwhile, through %s',
    async (client) => {
      const { placedV1, placedV2 } = newEvents()
      const group = `${placedV1.topic}.group`
      const handled = Promise.withResolvers<unknown>()
      const consumer = defineConsumer(placedV2, () => (payload) => handled.resolve(payload), { group })
      const service = defineService({
        name: 'user',
        version: '1.0.0',
        admin: false,
        handlers: [consumer],
        transports: () => [
          queueTransport({ driver: queueDriver({ brokers, client }), partitionCount: 1, requestTimeoutMs: 2_000 }),
        ],
      })
      await using _user = await service.start({ environment: { LOG_LEVEL: 'silent' } })
      await deleteTopic(deadLetterTopic(placedV1.topic, group))
      const driver = await connect(client)
      await send(driver, placedV1.topic, 'garbage')
      await send(driver, placedV1.topic, '{"orderId":"good"}')
      expect(await handled.promise).toEqual({ orderId: 'good', currency: 'EUR' })
      const { letters } = await listDeadLetters(driver, { topic: placedV1.topic, group })
      // Once or more: a request that failed may have been stored.
      const [letter] = letters
      expect(new Set(letters.map(({ source }) => source.offset))).toEqual(new Set([0]))
      expect(letter).toMatchObject({
        reason: 'undecodable',
        attemptCount: 0,
        handler: `consume ${placedV2.topic}`,
        source: { topic: placedV1.topic },
      })
      expect(String(letter?.value)).toBe('garbage')
    },
  )

  it.for([
    ['kafkajs', 'header'],
    ['kafkajs', 'key'],
    ['platformatic', 'header'],
    ['platformatic', 'key'],
  ] as const)('are stored through %s without the %s that leaves no room for what is added', async ([client, part]) => {
    const { placedV2: placed } = newEvents()
    const group = `${placed.topic}.group`
    const driver = await connect(client)
    for (const topic of [placed.topic, deadLetterTopic(placed.topic, group)]) await createTopic(topic)
    const givenUp = { error: new ServiceError('internal', 'no'), attemptCount: 1, firstFailedAt: 0, failedAt: 0 }
    const large = Buffer.alloc(maxRecordBytes - 100, 'x')
    const record = {
      topic: placed.topic,
      key: part === 'key' ? large : Buffer.from('k'),
      value: Buffer.from('v'),
      headers: part === 'header' ? [['h', large] as const] : [],
    }
    const store = new DeadLetterStore({
      partition: assigned(placed.topic),
      consumer: { group, handler: 'h' },
      settings: resolveQueue({ driver }),
      log: silent,
      delays: () => endlessDelays({ retry: queueDefaults.retry, random: Math.random }),
    })
    const received = { ...record, partition: 0, offset: 0, timestampAt: 0 }
    expect(await store.bury(received, givenUp, async () => false)).toBe(true)
    const [letter] = (await listDeadLetters(driver, { topic: placed.topic, group })).letters
    const isKey = part === 'key'
    expect(letter).toMatchObject({ isValueOmitted: true, areHeadersOmitted: true, isKeyOmitted: isKey, value: null })
    expect(letter?.key).toEqual(isKey ? null : record.key)
  })
})

/** What the topics of these cases take. */
const maxRecordBytes = 20_000
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** A partition that is never given up. */
function assigned(topic: string): AssignedPartition {
  const { signal } = new AbortController()
  return {
    topic,
    partition: 0,
    revoked: signal,
    lost: signal,
    startOffset: () => Promise.resolve(0),
    fetch: () => Promise.resolve([]),
    commit: () => Promise.resolve(true),
    commitBeside: () => Promise.resolve(true),
  }
}

async function createTopic(topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  const configEntries = [{ name: 'max.message.bytes', value: String(maxRecordBytes) }]
  // Its own wait for a leader fails on the answer that there is none yet.
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, configEntries }] })
}

function newEvents() {
  const prefix = `tenon${randomBytes(6).toString('hex')}.order.placed`
  const payload = Type.Object({ orderId: Type.String() })
  const placedV1 = event(`${prefix}.v1`, { key: 'orderId', payload })
  const placedV2 = event(`${prefix}.v2`, {
    key: 'orderId',
    payload: Type.Object({ orderId: Type.String(), currency: Type.String() }),
    upcasts: [upcast(placedV1, (older) => ({ ...older, currency: 'EUR' }))],
  })
  return { placedV1, placedV2 }
}

async function deleteTopic(topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  await admin.deleteTopics({ topics: [topic] })
  await expect.poll(() => admin.listTopics(), { timeout: 10_000 }).not.toContain(topic)
}

async function connect(client: 'kafkajs' | 'platformatic'): Promise<QueueDriver> {
  const driver = queueDriver({ brokers, client })
  await driver.connect({ clientId: 'tenon-test' })
  onTestFinished(() => driver.close())
  return driver
}

function send(driver: QueueDriver, topic: string, value: string): Promise<void> {
  const record = { topic, key: Buffer.from('k'), value: Buffer.from(value), headers: [] }
  return driver.produce([record], { timeoutMs: 20_000 })
}
