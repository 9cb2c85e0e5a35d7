import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { brokerAbsence, KafkaBroker } from './kafka-broker.test-harness.ts'
import { connect, createTopic } from './kafka-client.test-harness.ts'

const skipped = brokerAbsence === undefined ? '' : ` (skipped: ${brokerAbsence})`
const readers = ['kafkajs', 'platformatic'] as const
let broker: KafkaBroker

describe.skipIf(skipped !== '')(`reading without a group from a broker of its own${skipped}`, () => {
  beforeAll(async () => {
    broker = await KafkaBroker.start()
  })
  afterAll(() => broker[Symbol.asyncDispose]())

  it('passes over what was compacted away', async () => {
    const [one, other] = await Promise.all(readers.map(open))
    const topic = await createCompacted(one?.topic ?? '')
    const values = Array.from({ length: 300 }, (_, index) => String(index))
    for (const driver of [one?.driver, other?.driver]) await driver?.produce(values.map(toRecord(topic)), bound)
    // The newest segment is never compacted: it is left by the first record that comes after its time.
    await delay(50)
    await one?.driver.produce([toRecord(topic)('last')], bound)
    for (const { driver } of [one, other].filter((reader) => reader !== undefined)) {
      let offsets = await readOffsets(driver, topic)
      while (offsets.length > 20) {
        await delay(100)
        offsets = await readOffsets(driver, topic)
      }
      // The newest of each key.
      expect(offsets.slice(0, 11)).toEqual([...Array.from({ length: 10 }, (_, index) => 590 + index), 600])
      expect(await readOffsets(driver, topic, { fromOffset: 595, toOffset: 598 })).toEqual([595, 596, 597])
      expect(await readOffsets(driver, topic, { fromOffset: 10, toOffset: 590 })).toEqual([])
    }
  })

  it('is unavailable in time while the broker is away, and goes on where it was when the broker comes back', async () => {
    const parts = await Promise.all(readers.map(open))
    const begun = await Promise.all(
      parts.map(async ({ driver, topic }) => {
        const record = { topic, key: null, value: Buffer.alloc(10_000), headers: [] }
        for (let count = 0; count < 3; count++)
          await driver.produce(
            Array.from({ length: 100 }, () => record),
            bound,
          )
        const range = { topic, partition: 0, fromOffset: 0 }
        const [hasty, patient] = [1_000, 60_000].map((timeoutMs) =>
          driver.read(range, { timeoutMs })[Symbol.asyncIterator](),
        )
        for (const reading of [hasty, patient]) expect((await reading?.next())?.value?.[0]).toMatchObject({ offset: 0 })
        return { hasty, patient }
      }),
    )
    await broker.stop('SIGKILL')
    const going = begun.map(({ patient }) => patient?.next())
    for (const { hasty } of begun) await expect(hasty?.next()).rejects.toMatchObject({ code: 'unavailable' })
    await broker.launch()
    for (const [index, { patient }] of begun.entries()) {
      const offsets: number[] = []
      for (let step = await going[index]; step?.done === false; step = await patient?.next())
        offsets.push(...step.value.map(({ offset }) => offset))
      expect(offsets.at(-1)).toBe(299)
      const from = offsets[0] ?? 0
      expect(offsets).toEqual(Array.from({ length: 300 - from }, (_, offset) => from + offset))
    }
  })
})

const bound = { timeoutMs: 20_000 }

async function open(client: (typeof readers)[number]) {
  const driver = await connect(client, { brokers: [broker.address('plain')] })
  return { driver, topic: await createTopic(driver) }
}

/** One of ten keys. */
function toRecord(topic: string) {
  return (value: string) => ({
    topic,
    key: Buffer.from(String(Number(value) % 10)),
    value: Buffer.from(value),
    headers: [],
  })
}

/** A topic that keeps the newest record of each key. */
async function createCompacted(prefix: string): Promise<string> {
  const admin = new kafkajs.Kafka({
    brokers: [broker.address('plain')],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin()
  await admin.connect()
  onTestFinished(() => admin.disconnect())
  const settings = { 'cleanup.policy': 'compact', 'segment.ms': '20', 'min.cleanable.dirty.ratio': '0.01' }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const topic = `${prefix}.compacted`
  // Its own wait for a leader fails on the answer that there is none yet.
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 1, configEntries }] })
  return topic
}

async function readOffsets(driver: QueueDriver, topic: string, part: { fromOffset?: number; toOffset?: number } = {}) {
  const offsets: number[] = []
  for await (const records of driver.read({ topic, partition: 0, fromOffset: 0, ...part }, bound))
    offsets.push(...records.map(({ offset }) => offset))
  return offsets
}
