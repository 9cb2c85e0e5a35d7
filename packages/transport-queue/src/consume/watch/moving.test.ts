import { type Arrival, ServiceError } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { type Placed, start, topic } from '../../queue-transport.test-harness.ts'
import { wait } from '../../wait.ts'
import { maxHandlerMs, pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

const forever = () => new Promise<never>(() => undefined)
const away = async () => {
  throw new ServiceError('unavailable', 'away')
}
const never = new AbortController().signal
const work = (durationMs: number) => () => wait(durationMs, never)

/** Ends after the time, whatever its signal says, and fails then. */
const lateWith = (durationMs: number) => (_placed: Placed, arrival: Arrival) =>
  wait(durationMs, never)
    .then(() => arrival.ended?.())
    .then(away)

describe('a consumer does not stand still', () => {
  it('while nothing comes, however long, also when its reading does not end', async () => {
    const consumer = await watchedConsumer(forever, { change: () => ({ fetch: forever }) })
    expect(await consumer.staysLive(20 * stallAfterMs)).toBe(true)
  })

  it('while its handlers take the time that they have, and messages of two partitions wait for one place', async () => {
    const consumer = await watchedConsumer(work(maxHandlerMs - 1_000), { concurrency: 1, partitionCount: 2 })
    await consumer.send('abcdefgh', 0)
    await consumer.send('i', 1)
    expect(await consumer.staysLive(9 * maxHandlerMs)).toBe(true)
    expect((await consumer.report())?.lagCount).toBe(0)
  })

  it.each([
    ['is handled again later', away, {}],
    ['is held back', work(0), { 'tenon-not-before': '2026-01-01T01:00:00Z' }],
  ] as const)('while its message %s', async (_what, handle, headers) => {
    const consumer = await watchedConsumer(handle)
    await consumer.send('ab', 0, headers)
    expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
    expect((await consumer.report())?.lagCount).toBe(2)
  })

  it('while its handler cleans up after its time, in whichever attempt', async () => {
    const consumer = await watchedConsumer(lateWith(stallAfterMs - 5_000))
    await consumer.send('a')
    expect(await consumer.staysLive(5 * stallAfterMs)).toBe(true)
  })

  it('while a dead letter cannot be stored', async () => {
    const consumer = await watchedConsumer(() => Promise.reject(new ServiceError('data_loss', 'broken')))
    Object.assign(consumer.driver, { produce: away } satisfies Partial<QueueDriver>)
    await consumer.send('a')
    expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
    expect(await consumer.report()).toMatchObject({ oldest: [{ stage: 'buried' }] })
  })

  it('while its broker is away, with a handler that never ends, and not at once when it is back', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a')
    await pass(1_000)
    consumer.broker.stop()
    expect(await consumer.staysLive(300_000)).toBe(true)
    expect(consumer.isReady()).toBe(true)
    consumer.broker.start()
    expect(await consumer.staysLive(stallAfterMs - 10_000)).toBe(true)
    await pass(stallAfterMs / 2)
    expect(consumer.isLive()).toBe(false)
  })

  it('while its broker is away and takes no commits, and when it is back', async () => {
    const seen: number[] = []
    const handle = async ({ count }: Placed) => void seen.push(count)
    const consumer = await watchedConsumer(handle, { maxUncommittedCount: 2 })
    await consumer.send('abcd')
    consumer.broker.stop()
    expect(await consumer.staysLive(300_000)).toBe(true)
    consumer.broker.start()
    expect(await consumer.staysLive(2 * stallAfterMs)).toBe(true)
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('while members come and go all the time, and while it is taken for dead again and again', async () => {
    const consumer = await watchedConsumer(work(maxHandlerMs - 1_000), { partitionCount: 4 })
    for (let round = 0; round < 12; round++) {
      await consumer.send('abcd', round % 4)
      const starting = start(consumer.broker, async () => undefined)
      expect(await consumer.staysLive(10_000)).toBe(true)
      consumer.broker.evict(consumer.driver, { noticedAfterMs: 2_000 })
      expect(await consumer.staysLive(5_000)).toBe(true)
      expect(consumer.isReady()).toBe(true)
      await (await starting).server.close()
    }
    expect(consumer.told('error')).toEqual([])
  })

  it('while it joins again', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a')
    await pass(1.25 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
    consumer.broker.evict(consumer.driver)
    expect(await consumer.staysLive(stallAfterMs - 1_000)).toBe(true)
  })

  it('while its group is joined anew, though it keeps its partitions', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a')
    await pass(1.25 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
    consumer.setState('joining')
    expect(await consumer.staysLive(2 * stallAfterMs)).toBe(true)
    consumer.setState('assigned')
    expect(await consumer.staysLive(stallAfterMs - 10_000)).toBe(true)
    await pass(stallAfterMs / 2)
    expect(consumer.isLive()).toBe(false)
  })

  it('when its topic has new partitions, which nobody has been given yet', async () => {
    const consumer = await watchedConsumer(work(0))
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    const added = { partition: 1, earliestOffset: 0, nextOffset: 9, committedOffset: undefined }
    Object.assign(consumer.driver, {
      describe: async (of, group) => [...(await describeTopic(of, group)), added],
    } satisfies Partial<QueueDriver>)
    expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
    expect(await consumer.report()).toMatchObject({ lagCount: 9, stalls: [] })
    expect(consumer.isReady()).toBe(true)
  })

  it('when what lies behind its last message is no message, as marks of transactions are not', async () => {
    const consumer = await watchedConsumer(work(0))
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    Object.assign(consumer.driver, {
      describe: async (of, group) =>
        (await describeTopic(of, group)).map((one) => ({ ...one, nextOffset: one.nextOffset + 1 })),
    } satisfies Partial<QueueDriver>)
    await consumer.send('a')
    expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
  })

  it.each([
    ['shows no message', () => noRecords()],
    [
      'cannot be asked',
      () => {
        throw new Error('no right to read')
      },
    ],
    ['never shows a message', () => ({ [Symbol.asyncIterator]: () => ({ next: forever }) })],
  ])('when messages seem to be there, and the broker %s', async (_how, read) => {
    const consumer = await watchedConsumer(forever, { change: () => ({ fetch: forever }) })
    const ranges: unknown[] = []
    Object.assign(consumer.driver, {
      read: (range) => {
        ranges.push(range)
        return read()
      },
    } satisfies Partial<QueueDriver>)
    await consumer.send('ab')
    expect(await consumer.staysLive(4 * stallAfterMs)).toBe(true)
    expect(ranges.slice(0, 1)).toEqual([{ topic, partition: 0, fromOffset: 0, toOffset: 2 }])
    // Once in stallAfterMs, with a look more to begin anew.
    expect(ranges.length).toBeLessThan(5)
  })

  it('when what it has handled is not committed, and nothing more comes', async () => {
    const consumer = await watchedConsumer(work(0), { change: () => ({ commit: away }) })
    await consumer.send('ab')
    expect(await consumer.staysLive(4 * stallAfterMs)).toBe(true)
    expect((await consumer.report())?.lagCount).toBe(2)
  })

  it('when a message has just come, though one was late long ago', async () => {
    const consumer = await watchedConsumer(work(0))
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    Object.assign(consumer.driver, {
      describe: async (of, group) =>
        (await describeTopic(of, group)).map((one) => ({ ...one, nextOffset: one.nextOffset + 1 })),
      read: () => someRecord(),
    } satisfies Partial<QueueDriver>)
    await pass(stallAfterMs / 4)
    for (let second = 0; second < (2 * stallAfterMs) / 1_000; second++) {
      await consumer.send('a')
      await pass(1_000)
    }
    expect(await consumer.staysLive(stallAfterMs)).toBe(true)
  })

  it('when it drains', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a')
    await pass(1.25 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
    void consumer.server.drain(never)
    expect(consumer.server.health?.()).toEqual({ isLive: true, isReady: false, reason: 'it drains' })
    expect(await consumer.staysLive(2 * stallAfterMs)).toBe(true)
    await consumer.server.close()
  })
})

describe('to watch a consumer', () => {
  it('costs the broker four questions in stallAfterMs while nothing comes, and none while messages do', async () => {
    const consumer = await watchedConsumer(work(0))
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    let askedCount = 0
    Object.assign(consumer.driver, {
      describe: (of, group) => {
        askedCount += 1
        return describeTopic(of, group)
      },
    } satisfies Partial<QueueDriver>)
    await pass(10 * stallAfterMs)
    expect(askedCount).toBe(40)
    for (let second = 0; second < 100; second++) {
      await consumer.send('a')
      await pass(1_000)
    }
    expect(askedCount).toBe(40)
    for (let probe = 0; probe < 100; probe++) consumer.isLive()
    expect(askedCount).toBe(40)
  })
})

async function* noRecords(): AsyncGenerator<never> {}

async function* someRecord(): AsyncGenerator<never[]> {
  yield []
}
