import { defineConsumer, defineService } from '@tenon/core'
import { event } from '@tenon/core/contract'
import type { Arrival } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryBroker } from '../../driver/memory/memory-broker.ts'
import { memoryDriver } from '../../driver/memory/memory-driver.ts'
import { openDatabase } from '../../driver/sqlite-file/sqlite-database.ts'
import { SqliteGroup } from '../../driver/sqlite/sqlite-group.ts'
import { sqliteDriver } from '../../driver/sqlite/sqlite-driver.ts'
import {
  connected,
  embeddedDrivers,
  type NewBroker,
  newQueuePath,
  send,
  warnings,
  watched,
} from '../../queue-driver.test-harness.ts'
import { countdown, type Placed, start, topic } from '../../queue-transport.test-harness.ts'
import { queueTransport } from '../../queue-transport.ts'

const never = new AbortController().signal
/** So long that no commit of a test is owed to it. */
const commitIntervalMs = 60_000

describe.each(embeddedDrivers)('commits on %s', (_name, newBroker) => {
  it('come after the interval, while other messages still run', async () => {
    const { newDriver, sender } = await prepare(newBroker)
    await send(sender, { topic, partition: 0, count: 0 })
    await send(sender, { topic, partition: 0, count: 1 })
    const { driver, until, commits } = watched(newDriver())
    const hanging = async ({ count }: Placed) => (count === 1 ? new Promise<void>(() => undefined) : undefined)
    await start(memoryBroker(), hanging, { driver, commitIntervalMs: 1 })
    expect(await until(() => commits[0])).toEqual({ partition: 0, nextOffset: 1, isStored: true })
  })

  it('come before a partition is handed over, what ran is waited for, and nothing is handled twice', async () => {
    const { newDriver, sender } = await prepare(newBroker)
    const { driver, until, assigned, commits } = watched(newDriver())
    const [release, running] = [Promise.withResolvers<void>(), countdown(2)]
    const seen: string[] = []
    const held = async ({ count }: Placed) => {
      running.tick()
      await release.promise
      seen.push(`first ${count}`)
    }
    await start(memoryBroker(), held, { driver, commitIntervalMs })
    for (const partition of [0, 1]) await send(sender, { topic, partition, count: partition })
    await running.reached
    const later = Promise.withResolvers<void>()
    const second = start(
      memoryBroker(),
      async ({ count }) => {
        seen.push(`second ${count}`)
        later.resolve()
      },
      { driver: newDriver(), commitIntervalMs },
    )
    const { partition } = await until(() => assigned.find(({ revoked }) => revoked.aborted))
    release.resolve()
    await second
    expect(commits).toEqual([{ partition, nextOffset: 1, isStored: true }])
    await send(sender, { topic, partition, count: 7 })
    await later.promise
    expect(seen.toSorted()).toEqual(['first 0', 'first 1', 'second 7'])
  })

  it('come at once for what is done when the partition is revoked, though something else runs longer than it may', async () => {
    const { newDriver, sender } = await prepare(newBroker, 100)
    const { driver, until, commits } = watched(newDriver())
    const [running, done] = [countdown(2), countdown(2)]
    const handle = async ({ count }: Placed) => {
      if (count < 2) return done.tick()
      running.tick()
      await new Promise(() => undefined)
    }
    await start(memoryBroker(), handle, { driver, commitIntervalMs })
    for (const partition of [0, 1]) await send(sender, { topic, partition, count: partition })
    await done.reached
    for (const partition of [0, 1]) await send(sender, { topic, partition, count: 2 + partition })
    await running.reached
    const again = Promise.withResolvers<number>()
    await start(memoryBroker(), async ({ count }) => again.resolve(count), { driver: newDriver() })
    const { partition } = await until(() => commits.find(({ isStored }) => isStored))
    expect(await again.promise).toBe(2 + partition)
  })

  it('come when it drains', async () => {
    const { newDriver, sender } = await prepare(newBroker)
    const done = countdown(1)
    const { server } = await start(memoryBroker(), async () => done.tick(), { driver: newDriver(), commitIntervalMs })
    await send(sender, { topic, partition: 0, count: 0 })
    await done.reached
    await server.drain(never)
    expect((await sender.describe(topic, 'user'))[0]).toMatchObject({ committedOffset: 1 })
  })

  it('come when the service stops', async () => {
    const { newDriver, sender } = await prepare(newBroker)
    const handled = Promise.withResolvers<void>()
    const payload = Type.Object({ orderId: Type.String() })
    const consumer = defineConsumer(event(topic, { key: 'orderId', payload }), () => async () => handled.resolve())
    const service = defineService({
      name: 'user',
      version: '1.0.0',
      admin: false,
      handlers: [consumer],
      transports: () => [queueTransport({ driver: newDriver(), commitIntervalMs })],
    })
    const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
    await send(sender, { topic, partition: 0, count: 0 })
    await handled.promise
    expect((await started.stop()).exitCode).toBe(0)
    expect((await sender.describe(topic, 'user'))[0]).toMatchObject({ committedOffset: 1 })
  })
})

describe.each(embeddedDrivers)('a revoked partition on %s', (_name, newBroker) => {
  it('ends what runs beyond the bound of the group through its signal, and its next owner handles it', async () => {
    const { newDriver, sender } = await prepare(newBroker, 100)
    const { driver, until, assigned } = watched(newDriver())
    const running = countdown(2)
    const cut = Promise.withResolvers<number>()
    const endless = async ({ count }: Placed, { signal }: Arrival) => {
      signal?.addEventListener('abort', () => cut.resolve(count), { once: true })
      running.tick()
      await new Promise(() => undefined)
    }
    const { transport } = await start(memoryBroker(), endless, { driver })
    for (const partition of [0, 1]) await send(sender, { topic, partition, count: partition })
    await running.reached
    const again = Promise.withResolvers<number>()
    await start(memoryBroker(), async ({ count }) => again.resolve(count), { driver: newDriver() })
    const { partition } = await until(() => assigned.find(({ lost }) => lost.aborted))
    expect([await cut.promise, await again.promise]).toEqual([partition, partition])
    expect(await transport.consumers()).toMatchObject([{ state: 'assigned', partitions: [1 - partition] }])
  })
})

describe('the bound of a revoked partition', () => {
  it('is that of the memory broker, to the millisecond', async () => {
    const broker = memoryBroker({ partitionCount: 2, revokeTimeoutMs: 5_000 })
    const driver = memoryDriver({ broker })
    const running = countdown(2)
    const signals: AbortSignal[] = []
    await start(
      memoryBroker(),
      async (_payload, { signal }) => {
        if (signal) signals.push(signal)
        running.tick()
        await new Promise(() => undefined)
      },
      { driver },
    )
    for (const partition of [0, 1]) await send(driver, { topic, partition, count: partition })
    await running.reached
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const second = start(memoryBroker(), async () => undefined, {
      driver: memoryDriver({ broker }),
      joinTimeoutMs: 60_000,
    })
    const cutCount = () => signals.filter(({ aborted }) => aborted).length
    await vi.advanceTimersByTimeAsync(4_999)
    expect(cutCount()).toBe(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(cutCount()).toBe(1)
    await second
  })
})

describe('a commit of an old generation', () => {
  it('is refused and logged; the consumer goes on in the new one', async () => {
    const path = newQueuePath()
    const { driver, until, commits, assigned } = watched(
      sqliteDriver({ path, partitionCount: 1, sessionTimeoutMs: 2_000, heartbeatIntervalMs: 50 }),
    )
    const sender = await connected(sqliteDriver({ path, partitionCount: 1 }))
    const [first, second, log] = [countdown(1), countdown(2), warnings()]
    const handle = async () => {
      first.tick()
      second.tick()
    }
    const { transport, failed } = await start(memoryBroker(), handle, { driver, commitIntervalMs, log: log.log })
    void failed.then((error) => expect.fail(String(error)))
    await send(sender, { topic, partition: 0, count: 0 })
    await first.reached
    fence(path)
    await until(() => assigned[1])
    await second.reached
    expect(commits[0]).toEqual({ partition: 0, nextOffset: 1, isStored: false })
    expect(log.told).toContainEqual(expect.stringMatching(/commit.* was refused; /))
    expect(await transport.consumers()).toMatchObject([{ state: 'assigned', partitions: [0] }])
  })
})

/** Takes all members out of the group, as others do with those that they take for dead. */
function fence(path: string): void {
  const file = openDatabase(path)
  const group = new SqliteGroup(file, SqliteGroup.create(file, 'user'))
  file.transaction(() => group.remove(group.signs().map(({ memberId }) => memberId)))
  file.close()
}

async function prepare(newBroker: NewBroker, rebalanceTimeoutMs?: number) {
  const newDriver = newBroker(rebalanceTimeoutMs)
  const sender = await connected(newDriver())
  await sender.ensureTopics([{ topic, partitionCount: 2 }])
  return { newDriver, sender }
}
