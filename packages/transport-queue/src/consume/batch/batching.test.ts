import type { BatchItem } from '@tenon/core'
import { ConfigError } from '@tenon/core/transport'
import { describe, expect, test } from 'vitest'
import { listDeadLetters } from '../../dead-letter/list-dead-letters.ts'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import type { QueueDriver } from '../../queue-driver.ts'
import { embeddedDrivers } from '../../queue-driver.test-harness.ts'
import { logInto } from '../../queue-transport.test-harness.ts'
import { settled, stillClock } from './batch.test-harness.ts'
import {
  failWith,
  nameOf,
  type Order,
  ordersOf,
  recordOf,
  senderOf,
  startBatches,
  topic,
} from './batch-service.test-harness.ts'

const batch = { maxCount: 3, maxWaitMs: 60_000 }
const noWait = { initialDelayMs: 0 }

describe.each(embeddedDrivers)('batches on %s', (_name, newBroker) => {
  test('hold as many as they may, in order, and no two of a key', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, ordersOf('abcadbe'))
    const { batches, until } = await startBatches(newDriver(), { consumer: { batch } })
    await until((seen) => seen.length === 6)
    expect(batches).toEqual([
      ['a0', 'b1', 'c2'],
      ['d4', 'e6', 'a3'],
    ])
  })

  test('wait for others as long as they may, which a report tells', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, ordersOf('ab'))
    const clock = stillClock()
    const started = await startBatches(newDriver(), { consumer: { batch }, queue: { clock } })
    const gathered = [{ batch, oldest: [{ partition: 0, offset: 0, stage: 'gathered', untilAt: 60_000 }] }]
    await expect.poll(() => started.transport.consumers()).toMatchObject(gathered)
    clock.advance(59_999)
    expect(await started.transport.consumers()).toMatchObject(gathered)
    expect(started.batches).toEqual([])
    clock.advance(1)
    await started.until((seen) => seen.length === 2)
    expect(started.batches).toEqual([['a0', 'b1']])
  })

  test('wait no longer where their partition gives out no more before some are done with', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, ordersOf('ab'.repeat(50)))
    const queue = { maxUncommittedCount: 4, commitIntervalMs: 0, clock: stillClock() }
    const { batches, until } = await startBatches(newDriver(), { consumer: { batch }, queue })
    await until((seen) => seen.length >= 96)
    expect(batches.every((one) => new Set(one.map((name) => name[0])).size === one.length)).toBe(true)
  })

  test('are handled at once when their partition goes to another member, or their service ends', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, [...ordersOf('ab'), ...ordersOf('cd').map((one) => ({ ...one, partition: 1 }))], 2)
    const clock = stillClock()
    const options = { consumer: { batch: { maxCount: 9, maxWaitMs: 60_000 } }, queue: { clock } }
    const one = await startBatches(newDriver(), options)
    const isGathered = async () =>
      (await one.transport.consumers())[0]?.oldest.filter(({ stage }) => stage === 'gathered')
    await expect.poll(isGathered).toHaveLength(2)
    const other = await startBatches(newDriver(), options)
    await one.until((seen) => seen.length === 4)
    expect(one.batches).toHaveLength(1)
    const { sender, send } = await senderOf(newDriver, [], 2)
    await send(ordersOf('ef').map((record, partition) => ({ ...record, partition })))
    for (const { transport } of [one, other])
      await expect.poll(async () => (await transport.consumers())[0]?.oldest).toMatchObject([{ stage: 'gathered' }])
    await one.stop()
    expect(one.batches).toHaveLength(2)
    await other.stop()
    expect([...one.batches, ...other.batches].flat().toSorted()).toEqual(['a0', 'b1', 'c0', 'd1', 'e0', 'f1'])
    expect((await sender.describe(topic, 'user')).map(({ committedOffset }) => committedOffset)).toEqual([3, 3])
  })

  test('handle a message that failed in a later batch, in order of its key, while others go on', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, ordersOf('abcabcabc'))
    const seen: string[] = []
    const handle = (items: readonly BatchItem<Order>[]) => {
      for (const { payload, attempt, fail } of items) {
        seen.push(`${nameOf(payload)}:${attempt}`)
        if (payload.orderId === 'b' && attempt < 3) fail(failWith('aborted'))
      }
    }
    const consumer = { batch: { maxCount: 3, maxWaitMs: 0 }, retry: noWait }
    const { until } = await startBatches(newDriver(), { consumer, handle })
    await until((all) => all.length === 15)
    const of = (key: string) => seen.filter((name) => name.startsWith(key))
    expect(of('b')).toEqual(['b1:1', 'b1:2', 'b1:3', 'b4:1', 'b4:2', 'b4:3', 'b7:1', 'b7:2', 'b7:3'])
    expect([of('a'), of('c')]).toEqual([
      ['a0:1', 'a3:1', 'a6:1'],
      ['c2:1', 'c5:1', 'c8:1'],
    ])
    expect(seen.indexOf('a6:1')).toBeLessThan(seen.indexOf('b7:1'))
  })

  test('bury each message by its own code, and one that does not fit without a batch', async () => {
    const newDriver = newBroker()
    const poison = [recordOf('x', '{'), recordOf('y', '{"orderId":"y"}')]
    const { sender } = await senderOf(newDriver, [...ordersOf('a'), ...poison, ...ordersOf('bc')])
    const handle = (items: readonly BatchItem<Order>[]) =>
      items.find(({ payload }) => payload.orderId === 'b')?.fail(failWith('already_exists'))
    const queue = { commitIntervalMs: 0 }
    const { batches, until } = await startBatches(newDriver(), { consumer: { batch }, queue, handle })
    await until((seen) => seen.length === 3)
    expect(batches).toEqual([['a0', 'b0', 'c1']])
    const committed = async () => (await sender.describe(topic, 'user'))[0]?.committedOffset
    await expect.poll(committed).toBe(5)
    const letters = await lettersOf(sender)
    expect(letters.toSorted()).toEqual([
      'already_exists 1 {"orderId":"b","count":0}',
      'invalid_argument 0 {',
      'invalid_argument 1 {"orderId":"y"}',
    ])
  })

  test('fail as a whole when their handler throws, or when its time is over; then each message is handled alone', async () => {
    const newDriver = newBroker()
    await senderOf(newDriver, ordersOf('abc'))
    const tries: (readonly number[])[] = []
    const handle = (items: readonly BatchItem<Order>[]) => {
      tries.push(items.map(({ attempt }) => attempt))
      if (tries.length === 1) throw new Error('the database is away')
      // Not before its time is over, and then it ends.
      if (tries.length === 2) return new Promise((resolve) => setTimeout(resolve, 40))
    }
    const consumer = { batch, retry: noWait, maxHandlerMs: 20 }
    const { until } = await startBatches(newDriver(), { consumer, handle })
    await until((seen) => seen.length === 7)
    expect(tries).toEqual([[1, 1, 1], [2], [2], [2], [3]])
  })

  test('bury nothing for a message that makes their handler throw, whatever with, but that message', async () => {
    const newDriver = newBroker()
    const { sender, send } = await senderOf(newDriver, ordersOf('abc'))
    const lines: unknown[] = []
    const handle = (items: readonly BatchItem<Order>[]) => {
      if (items.some(({ payload }) => payload.orderId === 'b')) throw failWith('already_exists')
    }
    const log = logInto(lines)
    const consumer = { batch, retry: { ...noWait, maxAttemptCount: 1 } }
    const { batches, until } = await startBatches(newDriver(), {
      consumer,
      handle,
      log,
      queue: { commitIntervalMs: 0 },
    })
    await until((seen) => seen.length === 6)
    await send(ordersOf('def'))
    await until((seen) => seen.length === 9)
    expect(batches).toEqual([['a0', 'b1', 'c2'], ['a0'], ['b1'], ['c2'], ['d0', 'e1', 'f2']])
    const committed = async () => (await sender.describe(topic, 'user'))[0]?.committedOffset
    await expect.poll(committed).toBe(6)
    expect(await lettersOf(sender)).toEqual(['already_exists 2 {"orderId":"b","count":1}'])
    const failed = `consume ${topic} failed with a batch; each of its messages is handled again alone`
    const warnings = lines.filter((line) => Array.isArray(line) && line[0] === 'warn')
    expect(warnings).toMatchObject([['warn', { messageCount: 3, code: 'already_exists' }, failed]])
  })

  test('bury at once what expired while it waited for others, as no handler has seen it', async () => {
    const newDriver = newBroker()
    const expiring = { headers: [['ce_expirytime', Buffer.from('1970-01-01T00:01:00Z')]] } as const
    const { sender } = await senderOf(newDriver, [
      ...ordersOf('ab'),
      { ...recordOf('c', '{"orderId":"c","count":2}'), ...expiring },
    ])
    const clock = stillClock()
    const consumer = { batch: { maxCount: 9, maxWaitMs: 60_000 }, failures: { deadline_exceeded: 'skip' as const } }
    const { transport, batches, until } = await startBatches(newDriver(), {
      consumer,
      queue: { clock, commitIntervalMs: 0 },
    })
    await expect.poll(async () => (await transport.consumers())[0]?.oldest).toMatchObject([{ stage: 'gathered' }])
    await settled()
    clock.advance(60_000)
    await until((seen) => seen.length === 2)
    expect(batches).toEqual([['a0', 'b1']])
    const committed = async () => (await sender.describe(topic, 'user'))[0]?.committedOffset
    await expect.poll(committed).toBe(3)
    expect(await lettersOf(sender)).toEqual(['deadline_exceeded 0 {"orderId":"c","count":2}'])
  })
})

test.each([
  [
    { batch: { maxCount: 1_001 } },
    `maxUncommittedCount of transport queue, 1000, must not be below batch.maxCount of consume ${topic}, 1001: no batch of one partition could be full`,
  ],
  [
    { batch, retry: { order: 'partition' } },
    `retry.order of consume ${topic} must be key or none for batches, found partition, which hands out one message of a partition at a time`,
  ],
] as const)('a batch that no partition could fill keeps the service from starting: %j', async (consumer, message) => {
  const starting = startBatches(memoryDriver({ broker: memoryBroker() }), { consumer })
  await expect(starting).rejects.toThrow(ConfigError)
  await expect(starting).rejects.toThrow(message)
})

test('a batch may hold several messages of a key whose order does not matter', async () => {
  const broker = memoryBroker({ partitionCount: 1 })
  await senderOf(() => memoryDriver({ broker }), ordersOf('aaa'))
  const consumer = { batch, retry: { order: 'none' as const } }
  const { batches, until } = await startBatches(memoryDriver({ broker }), { consumer })
  await until((seen) => seen.length === 3)
  expect(batches).toEqual([['a0', 'a1', 'a2']])
})

/** The dead letters, as code, attempts and value. */
async function lettersOf(driver: QueueDriver): Promise<readonly string[]> {
  const { letters } = await listDeadLetters(driver, { topic, group: 'user' })
  return letters.map(({ code, attemptCount, value }) => `${code} ${attemptCount} ${String(Buffer.from(value ?? ''))}`)
}
