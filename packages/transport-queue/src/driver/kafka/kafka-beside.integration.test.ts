import kafkajs from 'kafkajs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition } from '../../queue-driver.ts'
import { aborted, clients, connect, createTopic, join, never } from './kafka-client.test-harness.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'
const skipped = brokers.length > 0 || isRequired ? '' : ' (skipped: KAFKA_BROKERS names no broker)'

describe.skipIf(skipped !== '')(`commits beside a partition of Kafka${skipped}`, () => {
  it.each(['kafkajs', 'platformatic'] as const)(
    'are refused by the broker for an older generation: %s',
    async (client) => {
      const { driver, topic, beside, assignments } = await prepare(client)
      const first = await join(driver, { topic, consume: assignments.consume })
      const older = await assignments.next()
      expect(await older.commitBeside(beside, 3)).toBe(true)
      const second = await join(await connect(client, { brokers }), { topic, consume: assignments.consume })
      await aborted(older.lost)
      // As if the member did not know, so that only the broker can tell.
      Object.defineProperty(older, 'lost', { value: never })
      expect(await older.commitBeside(beside, 4)).toBe(false)
      const newer = await assignments.next()
      expect(await newer.commitBeside(beside, 5)).toBe(true)
      expect(await older.commitBeside(beside, 6)).toBe(false)
      expect(await driver.describe(beside, `${topic}.group`)).toMatchObject([{ committedOffset: 5 }])
      for (const member of [first, second]) await member.leave(AbortSignal.abort())
    },
  )

  it.each(clients)('are refused for a member that has left: %s', async (client) => {
    const { driver, topic, beside, assignments } = await prepare(client)
    const first = await join(driver, { topic, consume: assignments.consume })
    const older = await assignments.next()
    expect(await older.commitBeside(beside, 3)).toBe(true)
    const second = await join(await connect(client, { brokers }), { topic, consume: assignments.consume })
    await first.leave(AbortSignal.abort())
    await aborted(older.lost)
    expect(await older.commitBeside(beside, 4)).toBe(false)
    expect(await driver.describe(beside, `${topic}.group`)).toMatchObject([{ committedOffset: 3 }])
    await second.leave(AbortSignal.abort())
  })

  it.each(['kafkajs', 'platformatic'] as const)('end with their topic, which is gone then: %s', async (client) => {
    const { driver, topic, beside, assignments } = await prepare(client)
    const member = await join(driver, { topic, consume: assignments.consume })
    expect(await (await assignments.next()).commitBeside(beside, 3)).toBe(true)
    const admin = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    await admin.deleteTopics({ topics: [beside] })
    const code = () => driver.describe(beside, `${topic}.group`).then(String, (error) => Reflect.get(error, 'code'))
    await expect.poll(code, { timeout: 10_000 }).toBe('not_found')
    await member.leave(never)
  })

  it.each(clients)('disturb nobody who joins, and hold up no commit of the partition: %s', async (client) => {
    const { driver, topic, beside, assignments } = await prepare(client)
    const member = await join(driver, { topic, consume: assignments.consume })
    const partition = await assignments.next()
    const commits = Array.from({ length: 20 }, (_, index) => [
      partition.commitBeside(beside, index + 1),
      partition.commit(0),
    ])
    const stored = await Promise.all(commits.flat())
    expect(stored.filter((_, index) => index % 2 === 0)).toEqual(Array(20).fill(true))
    const [progress] = await driver.describe(beside, `${topic}.group`)
    expect(progress?.committedOffset).toBeGreaterThan(0)
    expect(member.state).toBe('assigned')
    expect(partition.lost.aborted).toBe(false)
    await member.leave(never)
  })
})

/** A topic of one partition, another beside it, and who is given the first. */
async function prepare(client: (typeof clients)[number]) {
  const driver = await connect(client, { brokers })
  const topic = await createTopic(driver)
  const beside = `${topic}.beside`
  await driver.ensureTopics([{ topic: beside, partitionCount: 1 }])
  const waiting: AssignedPartition[] = []
  let given = Promise.withResolvers<void>()
  const assignments = {
    consume: async (partition: AssignedPartition) => {
      waiting.push(partition)
      given.resolve()
      await aborted(partition.revoked)
    },
    next: async () => {
      for (;;) {
        const partition = waiting.shift()
        if (partition !== undefined) return partition
        given = Promise.withResolvers()
        await given.promise
      }
    },
  }
  return { driver, topic, beside, assignments }
}
