import { LifecycleError, ServiceError } from '@tenon/core/transport'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openDatabase } from './driver/sqlite-file/sqlite-database.ts'
import { sqliteDriver } from './driver/sqlite/sqlite-driver.ts'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import type { QueueDriver } from './queue-driver.ts'
import { connected, embeddedDrivers, newQueuePath, send, warnings } from './queue-driver.test-harness.ts'
import { bind, countdown, fakeClock, start, topic } from './queue-transport.test-harness.ts'

const never = new AbortController().signal

describe.each(embeddedDrivers)('consumers() on %s', (_name, newBroker) => {
  it('tell their state, their lag and the age of their oldest message', async () => {
    const newDriver = newBroker()
    const sender = await connected(newDriver())
    await sender.ensureTopics([{ topic, partitionCount: 2 }])
    const [held, running] = [Promise.withResolvers<void>(), countdown(2)]
    const handle = async () => {
      running.tick()
      await held.promise
    }
    const options = { driver: newDriver(), clock: fakeClock(61_000) }
    const { transport, server } = await start(memoryBroker(), handle, options)
    const consumer = {
      connection: 'queue',
      group: 'user',
      topic,
      handler: `consume ${topic}`,
      failure: undefined,
      isHeld: false,
    }
    const idle = {
      lagCount: 0,
      lagReadAt: 61_000,
      isLagCurrent: true,
      oldestAgeMs: undefined,
      oldest: [],
      parkedCount: 0,
      haltedCount: 0,
      stalls: [],
    }
    expect(await transport.consumers()).toEqual([{ ...consumer, ...idle, state: 'assigned', partitions: [0, 1] }])

    await send(sender, { topic, partition: 0, count: 0, timestampAt: 31_000 })
    await send(sender, { topic, partition: 1, count: 1, timestampAt: 1_000 })
    await running.reached
    expect(await transport.consumers()).toMatchObject([{ state: 'assigned', lagCount: 2, oldestAgeMs: 60_000 }])

    expect(await transport.consumers()).toMatchObject([
      { oldest: [0, 1].map((partition) => ({ partition, offset: 0, stage: 'running', sinceAt: 61_000 })) },
    ])

    const drained = server.drain(never)
    expect(await transport.consumers()).toMatchObject([{ state: 'draining', lagCount: 2 }])
    held.resolve()
    await drained
    expect(await transport.consumers()).toMatchObject([{ state: 'left', lagCount: 0, oldestAgeMs: undefined }])
    await server.close()
    expect(await transport.consumers()).toEqual([])
  })

  it('keep the last known lag while the broker is away, say so, and log it once', async () => {
    const driver = newBroker()()
    const { transport, log } = await startAway(driver)
    const known = { lagCount: 0, lagReadAt: 1_000 }
    for (let time = 0; time < 3; time++)
      expect(await transport.consumers()).toMatchObject([{ ...known, state: 'assigned', isLagCurrent: false }])
    expect(log.told).toEqual(['the lag of a consumer could not be read'])
  })
})

/** A consumer whose broker answered once, at 1_000, and does not any more. */
async function startAway(driver: QueueDriver) {
  const log = warnings()
  const clock = { ...fakeClock(), now: () => 1_000 }
  const { transport } = await start(memoryBroker(), async () => undefined, { driver, log: log.log, clock })
  await transport.consumers()
  Object.assign(driver, { describe: () => Promise.reject(new ServiceError('unavailable', 'away')) })
  return { transport, log }
}

describe('consumers()', () => {
  it('know no lag when the broker never said', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { describe: () => Promise.reject(new ServiceError('unavailable', 'away')) })
    const { transport } = await start(memoryBroker(), async () => undefined, { driver })
    const unknown = { lagCount: undefined, lagReadAt: undefined, isLagCurrent: false }
    expect(await transport.consumers()).toMatchObject([{ state: 'assigned', ...unknown }])
  })

  it('do not wait for ever for a broker that never answers', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { describe: () => new Promise(() => undefined) })
    const { transport } = await start(memoryBroker(), async () => undefined, { driver })
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const reports = transport.consumers()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await reports).toMatchObject([{ state: 'assigned', lagCount: undefined, isLagCurrent: false }])
  })

  it('cost the broker one question, its messages none, and an assignment one', async () => {
    const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
    const describeTopic = driver.describe.bind(driver)
    let askedCount = 0
    Object.assign(driver, {
      describe: (of: string, group: string) => {
        askedCount += 1
        return describeTopic(of, group)
      },
    })
    const done = countdown(500)
    const { transport } = await start(memoryBroker(), async () => done.tick(), { driver, commitIntervalMs: 0 })
    await Promise.all(Array.from({ length: 500 }, (_, count) => send(driver, { topic, partition: 0, count })))
    await done.reached
    // Each assignment asks for what was set aside.
    expect(askedCount).toBe(1)
    await Promise.all([transport.consumers(), transport.consumers(), transport.consumers()])
    expect(askedCount).toBe(2)
  })

  it('are joining until they have joined', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { join: () => Promise.withResolvers<never>().promise })
    const { transport, server } = bind(memoryBroker(), async () => undefined, { driver, joinTimeoutMs: 0 })
    await server.listen()
    expect(await transport.consumers()).toMatchObject([{ state: 'joining', failure: undefined, partitions: [] }])
  })

  it('say why they could not join, without the credentials of an address', async () => {
    const driver = memoryDriver({ broker: memoryBroker() })
    const cause = new Error('no answer from sasl://user:hunter2@kafka:9092')
    Object.assign(driver, { join: () => Promise.reject(new Error('refused', { cause })) })
    const { transport, server } = bind(memoryBroker(), async () => undefined, { driver })
    await expect(server.listen()).rejects.toBeInstanceOf(LifecycleError)
    expect(await transport.consumers()).toMatchObject([
      { state: 'failed', failure: 'refused: no answer from sasl://***@kafka:9092' },
    ])
    await server.close()
  })

  it('say why they failed for good', async () => {
    const path = newQueuePath()
    const driver = sqliteDriver({ path, sessionTimeoutMs: 200, heartbeatIntervalMs: 20 })
    const { transport, failed } = await start(memoryBroker(), async () => undefined, { driver })
    const file = openDatabase(path)
    file.execute('DROP TABLE member')
    file.close()
    await failed
    expect(await transport.consumers()).toMatchObject([
      { state: 'failed', failure: 'the queue file refused: no such table: member' },
    ])
  })
})

describe('the info of a queue transport', () => {
  it('is there without waiting for the broker, and knows its answer the next time', async () => {
    const driver = memoryDriver({ broker: memoryBroker({ partitionCount: 1 }) })
    const answered = Promise.withResolvers<void>()
    const describeTopic = driver.describe.bind(driver)
    Object.assign(driver, {
      describe: async (of: string, group: string) => {
        await answered.promise
        return describeTopic(of, group)
      },
    })
    const { transport, server } = await start(memoryBroker(), async () => undefined, { driver })
    const first = { group: 'user', topic, state: 'assigned', partitions: [0], lagCount: undefined }
    expect(server.info?.()).toMatchObject({ consumers: [first] })
    answered.resolve()
    await transport.consumers()
    expect(server.info?.()).toMatchObject({ consumers: [{ ...first, lagCount: 0, isLagCurrent: true }] })
  })

  it('asks no broker that nobody has connected to', () => {
    const asked: string[] = []
    const driver = memoryDriver({ broker: memoryBroker() })
    Object.assign(driver, { describe: async (of: string) => void asked.push(of) })
    const { server } = bind(memoryBroker(), async () => undefined, { driver })
    expect(server.info?.()).toMatchObject({ consumers: [{ state: 'joining', lagCount: undefined }] })
    expect(asked).toEqual([])
  })
})
