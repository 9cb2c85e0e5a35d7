import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, MemberState, QueueDriver, QueueMember } from '../../queue-driver.ts'
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

  it('leaves nothing behind in the group when it gives up joining', async () => {
    const driver = await connect()
    const topic = await seed(driver, 0)
    const release = Promise.withResolvers<void>()
    const first = await join(driver, topic, async ({ revoked }) => {
      await aborted(revoked)
      await release.promise
    })
    const patience = new AbortController()
    const membership = { group: `${topic}.group`, topics: [topic], log: silent, consume: letGo, fail: () => undefined }
    const joining = (await connect()).join(membership, patience.signal)
    await reached(first, 'joining')
    patience.abort()
    await expect(joining).rejects.toThrow()
    release.resolve()
    await reached(first, 'assigned')
    const third = await join(await connect(), topic)
    expect(third.state).toBe('assigned')
    for (const member of [first, third]) await member.leave(AbortSignal.abort())
  })

  it('leaves while the group waits for another member, without waiting for it', async () => {
    const driver = await connect()
    const topic = await seed(driver, 0)
    const release = Promise.withResolvers<void>()
    const holding = await join(driver, topic, async ({ revoked }) => {
      await aborted(revoked)
      await release.promise
    })
    const joining = join(await connect(), topic)
    await reached(holding, 'joining')
    release.resolve()
    const leaving = await joining
    const next = join(await connect(), topic, async () => undefined)
    await leaving.leave(new AbortController().signal)
    expect(leaving.state).toBe('left')
    expect((await next).state).toBe('assigned')
    for (const member of [holding, await next]) await member.leave(AbortSignal.abort())
  })

  it('delivers far more than it holds at a time, to a slow reader as well', async () => {
    const driver = await connect()
    const topic = await seed(driver, 6_000)
    const offsets: number[] = []
    const done = Promise.withResolvers<void>()
    const member = await join(driver, topic, async (partition) => {
      while (!partition.revoked.aborted) {
        offsets.push(...(await partition.fetch()).map(({ offset }) => offset))
        if (offsets.length < 3_000) await delay(1_500)
        if (offsets.length === 6_000) done.resolve()
      }
    })
    await done.promise
    expect(offsets).toEqual(Array.from({ length: 6_000 }, (_, index) => index))
    await member.leave(new AbortController().signal)
  })

  it('fails a record that is too large as our own fault, and the others of its request not at all', async () => {
    const driver = await connect()
    const topic = await seed(driver, 0)
    const produce = (value: Buffer) => driver.produce([{ topic, key: null, value, headers: [] }], { timeoutMs: 20_000 })
    const sizes = [10, 3_000_000, 10]
    const results = await Promise.allSettled(sizes.map((size) => produce(Buffer.alloc(size, 'x'))))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'internal' } })
  })

  it('names the brokers when none answers', async () => {
    const driver = kafkajsDriver({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 })
    await expect(driver.connect({ clientId: 'tenon-test' })).rejects.toThrow('no connection to Kafka at 127.0.0.1:1')
    await driver.close()
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

async function reached(member: QueueMember, state: MemberState): Promise<void> {
  while (member.state !== state) await delay(10)
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
