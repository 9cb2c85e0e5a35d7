import { ServiceError } from '@tenon/core/transport'
import { describe, expect, it, vi } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { type Placed, topic } from '../../queue-transport.test-harness.ts'
import { wait } from '../../wait.ts'
import { pass, stallAfterMs, watchedConsumer } from './standstill.test-harness.ts'

const forever = () => new Promise<never>(() => undefined)

describe('a partition stands still', () => {
  it('when its handler never ends, which is told with place and time, and until it does', async () => {
    const release = Promise.withResolvers<void>()
    const consumer = await watchedConsumer(() => release.promise)
    await consumer.send('a')
    expect(await consumer.staysLive(stallAfterMs - 1_000)).toBe(true)
    await pass(stallAfterMs / 4)
    const stall = { partition: 0, waitsFor: 'handler', offset: 0, sinceAt: Date.parse('2026-01-01T00:00:00Z') }
    expect(await consumer.report()).toMatchObject({ state: 'stalled', stalls: [stall], oldest: [{ offset: 0 }] })
    const text = `partition 0 of ${topic} stands still in group user since 2026-01-01T00:00:00.000Z: no handler comes to an end, the oldest message is at offset 0`
    expect(consumer.server.health?.()).toEqual({ isLive: false, isReady: true, reason: text })
    await pass(10 * stallAfterMs)
    expect(consumer.told('error')).toEqual([`${text}; the service is not live until it moves`])
    release.resolve()
    await pass(0)
    expect(consumer.isLive()).toBe(true)
    await pass(stallAfterMs / 4)
    expect(consumer.told('warn')).toEqual(['a partition that stood still goes on'])
    expect(await consumer.report()).toMatchObject({ state: 'assigned', stalls: [] })
  })

  it('when all places are taken by handlers that never end, also in partitions that wait for one', async () => {
    const consumer = await watchedConsumer(forever, { partitionCount: 2, concurrency: 2 })
    await consumer.send('ab', 0)
    await consumer.send('c', 1)
    await pass(1.25 * stallAfterMs)
    expect((await consumer.report())?.stalls.map(({ partition }) => partition)).toEqual([0, 1])
  })

  it('when its handler never ends, though another message is held back', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a', 0, { 'tenon-not-before': '2026-01-01T01:00:00Z' })
    await consumer.send('b')
    await pass(1.25 * stallAfterMs)
    expect(await consumer.report()).toMatchObject({ stalls: [{ waitsFor: 'handler' }] })
  })

  it('when its broker takes longer to answer than looks are apart', async () => {
    const consumer = await watchedConsumer(forever, { maxHandlerMs: 500, stallAfterMs: 2_000 })
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    Object.assign(consumer.driver, {
      describe: async (of, group) => {
        await wait(3_000, new AbortController().signal)
        return describeTopic(of, group)
      },
    } satisfies Partial<QueueDriver>)
    await consumer.send('a')
    await pass(10_000)
    expect(consumer.isLive()).toBe(false)
  })

  it('when messages are there and reading never gives them', async () => {
    const consumer = await watchedConsumer(forever, { change: () => ({ fetch: forever }) })
    await consumer.send('ab')
    expect(await consumer.staysLive(stallAfterMs)).toBe(true)
    await pass(stallAfterMs / 2)
    expect(await consumer.report()).toMatchObject({ state: 'stalled', stalls: [{ waitsFor: 'fetch', offset: 0 }] })
    expect(consumer.isReady()).toBe(true)
    expect(consumer.reason()).toContain('messages are there but are not given out, from offset 0')
  })

  it('when reading ends in the middle', async () => {
    let fetchCount = 0
    const change = (given: AssignedPartition) => ({ fetch: () => (fetchCount++ === 0 ? given.fetch() : forever()) })
    const consumer = await watchedConsumer(async () => undefined, { change })
    await consumer.send('ab')
    expect(await consumer.staysLive(10 * stallAfterMs)).toBe(true)
    await consumer.send('cd')
    await pass(1.5 * stallAfterMs)
    expect(await consumer.report()).toMatchObject({ stalls: [{ waitsFor: 'fetch', offset: 2 }] })
  })

  it('when its commits are never stored, once all is handled that may be before one is', async () => {
    const away = async () => {
      throw new ServiceError('unavailable', 'not now')
    }
    const change = () => ({ commit: away })
    const consumer = await watchedConsumer(async () => undefined, { change, maxUncommittedCount: 2 })
    await consumer.send('abc')
    expect(await consumer.staysLive(stallAfterMs - 1_000)).toBe(true)
    await pass(stallAfterMs / 4)
    expect(await consumer.report()).toMatchObject({ stalls: [{ waitsFor: 'commit', offset: 0 }] })
  })

  it('until a commit is stored, though what waited for it has come to no outcome yet', async () => {
    let isAway = true
    const change = (partition: AssignedPartition) => ({
      commit: async (nextOffset: number) => {
        if (isAway) throw new ServiceError('unavailable', 'not now')
        return partition.commit(nextOffset)
      },
    })
    const handle = async ({ count }: Placed) => (count === 2 ? forever() : undefined)
    const consumer = await watchedConsumer(handle, { change, maxUncommittedCount: 2 })
    await consumer.send('abc')
    await pass(1.25 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
    isAway = false
    await pass(1_000)
    expect(consumer.isLive()).toBe(true)
  })

  it('until what reading did not give is gone', async () => {
    const consumer = await watchedConsumer(forever, { change: () => ({ fetch: forever }) })
    const describeTopic = consumer.driver.describe.bind(consumer.driver)
    await consumer.send('ab')
    await pass(1.5 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
    Object.assign(consumer.driver, {
      describe: async (of, group) =>
        (await describeTopic(of, group)).map((one) => ({ ...one, earliestOffset: one.nextOffset })),
    } satisfies Partial<QueueDriver>)
    await pass(stallAfterMs / 2)
    expect([consumer.isLive(), consumer.told('warn')]).toEqual([true, ['a partition that stood still goes on']])
  })

  it('though the clock was set back meanwhile', async () => {
    const consumer = await watchedConsumer(forever)
    await pass(stallAfterMs)
    vi.setSystemTime(Date.now() - 24 * stallAfterMs)
    await consumer.send('a')
    await pass(1.5 * stallAfterMs)
    expect(consumer.isLive()).toBe(false)
  })

  it('when a process that stood still itself goes on with it, not before', async () => {
    const consumer = await watchedConsumer(forever)
    await consumer.send('a')
    await pass(1_000)
    // As after SIGCONT: the clock has gone on, and no timer has fired.
    vi.setSystemTime(Date.now() + 600_000)
    expect(await consumer.staysLive(stallAfterMs)).toBe(true)
    await pass(stallAfterMs / 2)
    expect([consumer.isLive(), consumer.isReady()]).toEqual([false, true])
  })
})
