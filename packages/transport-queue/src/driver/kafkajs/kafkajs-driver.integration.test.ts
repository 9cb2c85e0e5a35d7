import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { driverSuite } from '../suite/driver-suite.ts'
import { kafkajsDriver } from './kafkajs-driver.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const reason = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(reason !== '')(`kafkajsDriver${reason}`, () => {
  const warnings: string[] = []
  process.on('warning', ({ name }) => warnings.push(name))
  // kafkajs sets timers of negative length, which Node 24 warns of and turns into a busy loop.
  afterAll(() => expect(warnings).not.toContain('TimeoutNegativeWarning'))

  it.each(driverSuite)('$name', async ({ run }) => {
    const prefix = randomPrefix()
    await run({ connect, unique: (name) => `${prefix}.${name}` })
  })

  it('keeps its partitions while a message takes longer than the session', async () => {
    const driver = await connect({ sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300 })
    const topic = await seed(driver, 2)
    const handled: number[] = []
    const done = Promise.withResolvers<void>()
    const member = await join(driver, topic, async (partition) => {
      for (const { offset } of await partition.fetch()) {
        handled.push(offset)
        await delay(2_500)
        expect(await partition.commit(offset + 1)).toBe(true)
      }
      done.resolve()
    })
    await done.promise
    expect(handled).toEqual([0, 1])
    await member.leave(new AbortController().signal)
  })

  it('keeps the session while others wait for a message that takes longer than that', async () => {
    const driver = await connect({ sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300 })
    const topic = await seed(driver, 1)
    const running = Promise.withResolvers<void>()
    const committed = Promise.withResolvers<boolean>()
    const first = await join(driver, topic, async (partition) => {
      const [record] = await partition.fetch()
      if (record === undefined) return
      running.resolve()
      await aborted(partition.revoked)
      await delay(2_500)
      committed.resolve(await partition.commit(record.offset + 1))
    })
    await running.promise
    const second = await join(await connect({ sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300 }), topic)
    expect(await committed.promise).toBe(true)
    for (const member of [first, second]) await member.leave(AbortSignal.abort())
  })

  it('loses a partition that is not given up in time, and refuses its commit', async () => {
    const times = { sessionTimeoutMs: 3_000, heartbeatIntervalMs: 300, rebalanceTimeoutMs: 1_500 }
    const driver = await connect(times)
    const topic = await seed(driver, 1)
    const running = Promise.withResolvers<void>()
    const refused = Promise.withResolvers<boolean>()
    const first = await join(driver, topic, async (partition) => {
      const [record] = await partition.fetch()
      if (record === undefined) return
      running.resolve()
      await aborted(partition.lost)
      refused.resolve(await partition.commit(record.offset + 1))
    })
    await running.promise
    const second = await join(await connect(times), topic)
    expect(await refused.promise).toBe(false)
    for (const member of [first, second]) await member.leave(AbortSignal.abort())
  })
})

async function connect(options: Partial<Parameters<typeof kafkajsDriver>[0]> = {}): Promise<QueueDriver> {
  const driver = kafkajsDriver({ brokers, sessionTimeoutMs: 6_000, heartbeatIntervalMs: 300, ...options })
  await driver.connect({ clientId: 'tenon-test' })
  onTestFinished(() => driver.close())
  return driver
}

/** A topic of one partition with so many records. */
async function seed(driver: QueueDriver, length: number): Promise<string> {
  const topic = `${randomPrefix()}.topic`
  await driver.ensureTopics([{ topic, partitionCount: 1 }])
  const record = { topic, key: null, value: Buffer.from('x'), headers: [] }
  await driver.produce(
    Array.from({ length }, () => record),
    { timeoutMs: 20_000 },
  )
  return topic
}

function join(driver: QueueDriver, topic: string, consume: (partition: AssignedPartition) => Promise<void> = letGo) {
  const membership = { group: `${topic}.group`, topics: [topic], log: silent, consume, fail: () => undefined }
  return driver.join(membership, new AbortController().signal)
}

function letGo({ revoked }: AssignedPartition): Promise<void> {
  return aborted(revoked)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function randomPrefix(): string {
  return `tenon-${randomBytes(6).toString('hex')}`
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
