import { randomBytes } from 'node:crypto'
import kafkajs from 'kafkajs'
import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished } from 'vitest'
import { kafkajsDriver } from '../../driver/kafkajs/kafkajs-driver.ts'
import { platformaticDriver } from '../../driver/platformatic/platformatic-driver.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { countsOf, topic as usualTopic } from '../../queue-transport.test-harness.ts'
import { auditTopic } from '../audit/audit-record.ts'
import { listAudits } from '../audit/list-audits.ts'
import { countDeadLetters } from '../count-dead-letters.ts'
import { deadLetterTopic } from '../dead-letter.ts'
import { bury, connect, type GivenLetter, payloadsIn, selection, withChanges } from '../dead-letter.test-harness.ts'
import { redriveDeadLetters } from './redrive-dead-letters.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

const keys = Array.from({ length: 100 }, (_, index) => `k${index}`)

/** Letters of which two of three are redriven. */
function lettersOf(count: number): readonly GivenLetter[] {
  return Array.from({ length: count }, (_, index) => ({
    key: keys[(index * 7) % keys.length] ?? '',
    code: index % 3 === 0 ? 'aborted' : 'internal',
  }))
}

/** Redrives until it is done, though it is killed on its way now and then, and once more. */
async function redriveTwice(driver: QueueDriver, topic: string): Promise<void> {
  const options = { ...selection, topic, where: { code: 'internal' }, timeoutMs: 2_000 } as const
  const killed = redriveDeadLetters(dyingAfter(driver, 7), options)
  await expect(killed).rejects.toMatchObject({ message: expect.stringContaining('killed') as string })
  await redriveDeadLetters(driver, options)
  expect((await redriveDeadLetters(driver, options)).redrivenCount).toBe(0)
}

async function requireOnceInOrder(driver: QueueDriver, topic: string, letters: readonly GivenLetter[]): Promise<void> {
  const wanted = letters.flatMap(({ code }, index) => (code === 'internal' ? [index] : []))
  const payloads = await payloadsIn(driver, topic)
  expect(payloads.map(({ count }) => count).toSorted((one, other) => one - other)).toEqual(wanted)
  for (const key of keys) {
    const counts = countsOf(key, payloads)
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
  }
  const audits = await listAudits(driver, { topic, group: selection.group })
  expect(audits.map(({ result }) => result)).toEqual(['open', 'complete', 'complete'])
  expect(audits.flatMap((audit) => audit.letters)).toHaveLength(wanted.length)
}

/** A process that ends after a number of requests; what it sent with the last has arrived. */
function dyingAfter(driver: QueueDriver, requestCount: number): QueueDriver {
  let leftCount = requestCount
  const produce: QueueDriver['produce'] = async (records, bound) => {
    if (leftCount > 0) await driver.produce(records, bound)
    if (--leftCount <= 0) throw new ServiceError('unavailable', 'killed')
  }
  return withChanges(driver, { produce })
}

describe('10,000 dead letters', () => {
  it.each(['memory', 'sqlite'] as const)('are redriven once in effect, in order, on %s', async (name) => {
    const driver = await connect(name)
    const letters = lettersOf(10_000)
    await bury(driver, letters)
    await redriveTwice(driver, usualTopic)
    await requireOnceInOrder(driver, usualTopic, letters)
  })
})

const open = [
  ['kafkajs', kafkajsDriver],
  ['platformatic', platformaticDriver],
] as const

describe.skipIf(reason !== '')(`dead letters on Kafka${reason}`, () => {
  it.each(open)('are redriven once in effect, in order, through %s', async (_name, driverOf) => {
    const driver = driverOf({ brokers })
    await driver.connect({ clientId: 'tenon-test' })
    onTestFinished(() => driver.close())
    const topic = `tenon${randomBytes(6).toString('hex')}.order.placed.v1`
    const letters = lettersOf(2_000)
    const owner = { topic, group: selection.group }
    await driver.ensureTopics([{ topic: deadLetterTopic(topic, owner.group), partitionCount: 3 }])
    await bury(driver, letters, topic)
    expect(await countDeadLetters(driver, owner)).toMatchObject({ count: 2_000, isComplete: true })
    await redriveTwice(driver, topic)
    await requireOnceInOrder(driver, topic, letters)
    expect(await retentionOf(auditTopic(owner))).toBe('-1')
  })

  it.each(open)(
    'are not put back again while a transaction hides whether they went, through %s',
    async (_name, driverOf) => {
      const driver = driverOf({ brokers })
      await driver.connect({ clientId: 'tenon-test' })
      onTestFinished(() => driver.close())
      const topic = `tenon${randomBytes(6).toString('hex')}.order.placed.v1`
      await driver.ensureTopics([
        { topic, partitionCount: 1 },
        { topic: deadLetterTopic(topic, selection.group), partitionCount: 1 },
      ])
      await bury(driver, [{}, {}, {}], topic)
      const end = await leaveOpen(topic)
      const options = { ...selection, topic, timeoutMs: 1_500 }
      // Begun, intended, and the letters themselves, which lie behind the transaction.
      await redriveDeadLetters(dyingAfter(driver, 3), options).catch(() => undefined)
      await expect(redriveDeadLetters(driver, options)).rejects.toMatchObject({ code: 'unavailable' })
      await end()
      expect((await redriveDeadLetters(driver, options)).redrivenCount).toBe(0)
      expect((await payloadsIn(driver, topic)).map(({ count }) => count)).toEqual([0, 1, 2])
    },
  )

  it.each(open)(
    'of 10 KB each, all of one key, are redriven in batches that it takes, through %s',
    async (_name, driverOf) => {
      const driver = driverOf({ brokers })
      await driver.connect({ clientId: 'tenon-test' })
      onTestFinished(() => driver.close())
      const topic = `tenon${randomBytes(6).toString('hex')}.order.placed.v1`
      await driver.ensureTopics([{ topic: deadLetterTopic(topic, selection.group), partitionCount: 1 }])
      const counts = Array.from({ length: 300 }, (_, count) => count)
      for (let from = 0; from < counts.length; from += 50) {
        const some = counts.slice(from, from + 50)
        const letters = some.map((count) => ({
          offset: count,
          value: { orderId: 'k', count, filling: 'x'.repeat(10_000) },
        }))
        await bury(driver, letters, topic)
      }
      expect((await redriveDeadLetters(driver, { ...selection, topic })).redrivenCount).toBe(300)
      expect((await payloadsIn(driver, topic)).map(({ count }) => count)).toEqual(counts)
    },
  )
})

/** Leaves a transaction open in a partition, which hides what comes behind it; gives what ends it. */
async function leaveOpen(topic: string): Promise<() => Promise<void>> {
  const client = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  const producer = client.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ key: 'k', value: '{"orderId":"k","count":-1}', partition: 0 }] })
  return () => transaction.abort()
}

/** What Kafka says of how long it keeps records of a topic. */
async function retentionOf(topic: string): Promise<string | undefined> {
  const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
  return resources[0]?.configEntries[0]?.configValue
}
