import { randomUUID } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import kafkajs from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { QueueDriver, RecordRange } from '../../queue-driver.ts'
import { connect as connectTo, createTopic, send } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '').for(['kafkajs', 'platformatic'] as const)(
  `reading from Kafka without a group through %s${skipped}`,
  (name) => {
    const connect = (options: Compressed = {}) => connectTo(name, { brokers, ...options })

    it('passes over transactions that were aborted and the marks of all, also at the end', async () => {
      const driver = await connect()
      const topic = await createTopic(driver)
      await transact(topic, ['0', '1'], 'commit')
      await transact(topic, ['3', '4'], 'abort')
      await send(driver, topic, ['6'])
      await transact(topic, ['7'], 'commit')
      expect(await read(driver, { topic })).toEqual(['0@0', '1@1', '6@6', '7@7'])
      expect(await driver.describe(topic, 'nobody')).toMatchObject([{ nextOffset: 9 }])
      expect(await read(driver, { topic, toOffset: 9 })).toHaveLength(4)
      expect(await read(driver, { topic, fromOffset: 2, toOffset: 6 })).toEqual([])
      expect(await read(driver, { topic, fromOffset: 4, toOffset: 7 })).toEqual(['6@6'])
      expect(await read(driver, { topic, fromOffset: 8 })).toEqual([])
      await transact(topic, ['9'], 'abort')
      expect(await read(driver, { topic, fromOffset: 7, toOffset: 11 })).toEqual(['7@7'])
    })

    it('ends before a transaction that has not ended', async () => {
      const driver = await connect()
      const topic = await createTopic(driver)
      await send(driver, topic, ['0'])
      const end = await transact(topic, ['1'], 'nothing')
      await send(driver, topic, ['2'])
      expect(await read(driver, { topic, toOffset: 3 })).toEqual(['0@0'])
      await end()
      expect(await read(driver, { topic, toOffset: 3 })).toEqual(['0@0', '1@1', '2@2'])
    })

    it('goes on at the oldest record that is kept, also when others are removed while it reads', async () => {
      const driver = await connect()
      const topic = await createTopic(driver)
      const record = { topic, key: null, value: Buffer.alloc(10_000), headers: [] }
      for (let count = 0; count < 4; count++)
        await driver.produce(
          Array.from({ length: 100 }, () => record),
          bound,
        )
      await removeBefore(topic, 50)
      const offsets: number[] = []
      for await (const records of driver.read({ topic, partition: 0, fromOffset: 0 }, bound)) {
        if (offsets.length === 0) await removeBefore(topic, 350)
        offsets.push(...records.map(({ offset }) => offset))
      }
      expect(offsets[0]).toBe(50)
      const gap = offsets.findIndex((offset, index) => index > 0 && offset !== (offsets[index - 1] ?? 0) + 1)
      expect(offsets[gap]).toBe(350)
      expect(offsets.slice(gap)).toEqual(Array.from({ length: 50 }, (_, index) => 350 + index))
    })

    it('opens no connection to look into a partition again', async () => {
      const driver = await connect()
      const topic = await createTopic(driver)
      await send(driver, topic, ['0'])
      expect(await read(driver, { topic })).toEqual(['0@0'])
      let openedCount = 0
      const count = () => (openedCount += 1)
      diagnostics.subscribe('net.client.socket', count)
      onTestFinished(() => void diagnostics.unsubscribe('net.client.socket', count))
      for (let look = 0; look < 20; look++) expect(await read(driver, { topic })).toEqual(['0@0'])
      expect(openedCount).toBe(0)
    })

    it('leaves no connection open for long when the loop is left', async () => {
      const driver = await connect()
      const topic = await createTopic(driver)
      await send(driver, topic, ['0', '1'])
      const before = socketCount()
      for (let count = 0; count < 5; count++)
        for await (const [first] of driver.read({ topic, partition: 0, fromOffset: 0 }, bound)) {
          expect(first?.offset).toBe(0)
          expect(socketCount()).toBeGreaterThan(before)
          break
        }
      await expect.poll(socketCount, { timeout: 10_000 }).toBeLessThanOrEqual(before)
    })

    it('reads what is compressed, and one record of a batch', async () => {
      const driver = await connect({ compression: 'gzip' })
      const topic = await createTopic(driver)
      await send(driver, topic, ['0', '1', '2', '3'])
      expect(await read(driver, { topic, fromOffset: 2, toOffset: 3 })).toEqual(['2@2'])
      expect(await read(driver, { topic, fromOffset: 1 })).toEqual(['1@1', '2@2', '3@3'])
    })
  },
)

/** An option of both clients. */
interface Compressed {
  readonly compression?: 'gzip'
}

const bound = { timeoutMs: 20_000 }

/** The values of a range of partition 0 with their offsets. */
async function read(driver: QueueDriver, range: { topic: string } & Partial<RecordRange>): Promise<readonly string[]> {
  const values: string[] = []
  for await (const records of driver.read({ partition: 0, fromOffset: 0, ...range }, bound))
    values.push(...records.map(({ value, offset }) => `${String(value)}@${offset}`))
  return values
}

function socketCount(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length
}

const client = () => new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })

/** Sends values in a transaction and ends it so; `nothing` leaves that to whoever calls what this resolves to. */
async function transact(topic: string, values: readonly string[], end: 'commit' | 'abort' | 'nothing') {
  const producer = client().producer({
    transactionalId: `${topic}.${randomUUID()}`,
    maxInFlightRequests: 1,
    idempotent: true,
    retry: { initialRetryTime: 10 },
  })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: values.map((value) => ({ key: value, value })) })
  const endBy = async (way: 'commit' | 'abort') => {
    const admin = await connectAdmin()
    const endOffset = async () => Number((await admin.fetchTopicOffsets(topic))[0]?.high)
    const before = await endOffset()
    await transaction[way]()
    // The coordinator answers before it has marked the end, behind which readers see more.
    await expect.poll(endOffset, { timeout: 10_000 }).toBeGreaterThan(before)
  }
  if (end !== 'nothing') await endBy(end)
  return () => endBy('commit')
}

/** Removes the records before an offset, as retention does. */
async function removeBefore(topic: string, offset: number): Promise<void> {
  const admin = await connectAdmin()
  // Without it kafkajs does not know where the topic is.
  await admin.fetchTopicOffsets(topic)
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] })
}

async function connectAdmin() {
  const admin = client().admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  return admin
}
