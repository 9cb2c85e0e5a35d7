import { ConfigError } from '@tenon/core/transport'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { type MemoryBroker, memoryBroker } from './memory-broker.ts'
import type { MemoryFaults } from './memory-faults.ts'
import { memoryDriver } from './memory-driver.ts'

const topic = 'topic'

describe('memoryBroker({ faults })', () => {
  it.each<[MemoryFaults, string]>([
    [{ seed: -1 }, 'faults.seed must be a whole number from 0 to 4294967295, found -1'],
    [{ produceFailureRatio: 2 }, 'faults.produceFailureRatio must be a number from 0 to 1, found 2'],
    [{ commitFailureRatio: Number.NaN }, 'faults.commitFailureRatio must be a number from 0 to 1, found NaN'],
    [{ maxLatencyMs: 60_001 }, 'faults.maxLatencyMs must be a whole number from 0 to 60000, found 60001'],
    [Object({ latencyMs: 1 }), 'memoryBroker: faults: "latencyMs" is no option'],
  ])('refuses %j', (faults, message) => {
    expect(() => memoryBroker({ faults })).toThrow(ConfigError)
    expect(() => memoryBroker({ faults })).toThrow(message)
  })

  it('fails requests by chance, half of which are carried out, and the same ones for the same seed', async () => {
    const runs = [3, 3, 4].map(async (seed) => {
      const broker = memoryBroker({ partitionCount: 1, faults: { seed, produceFailureRatio: 0.5 } })
      const results = await Promise.allSettled(Array.from({ length: 40 }, (_, count) => send(broker, String(count))))
      return { failures: results.map(({ status }) => status === 'rejected'), stored: textsOf(broker) }
    })
    const [one, same, other] = await Promise.all(runs)
    expect(one).toEqual(same)
    expect(one).not.toEqual(other)
    const failedCount = one?.failures.filter(Boolean).length ?? 0
    expect(failedCount).toBeGreaterThan(10)
    expect(failedCount).toBeLessThan(30)
    // Refused ones are missing, unanswered ones are not, and none is out of its order.
    expect(one?.stored.length).toBeGreaterThan(40 - failedCount)
    expect(one?.stored.length).toBeLessThan(40)
    expect(one?.stored).toEqual(one?.stored.toSorted((a, b) => Number(a) - Number(b)))
  })

  it('fails commits by chance', async () => {
    const broker = memoryBroker({ partitionCount: 1, faults: { commitFailureRatio: 1 } })
    const partition = await (await join(memoryDriver({ broker }))).next()
    await expect(partition.commit(1)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(partition.commitBeside(topic, 1)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('answers late by chance', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const broker = memoryBroker({ partitionCount: 1, faults: { maxLatencyMs: 100 } })
    const sending = Promise.all([send(broker, 'a'), send(broker, 'b')])
    await vi.advanceTimersByTimeAsync(0)
    expect(textsOf(broker)).toEqual([])
    await vi.advanceTimersByTimeAsync(200)
    await sending
    expect(textsOf(broker)).toEqual(['a', 'b'])
  })
})

describe('a memory broker that is stopped', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('takes what was sent once it is back, in its order, and what came too late never', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const driver = memoryDriver({ broker })
    broker.stop()
    const late = send(driver, 'late', 100)
    const refused = expect(late).rejects.toMatchObject({ code: 'unavailable' })
    const kept = [send(driver, 'a'), send(driver, 'b')]
    await vi.advanceTimersByTimeAsync(100)
    await refused
    await expect(driver.describe(topic, 'group')).rejects.toMatchObject({ code: 'unavailable' })
    broker.start()
    await Promise.all(kept)
    await send(driver, 'c')
    expect(textsOf(broker)).toEqual(['a', 'b', 'c'])
  })

  it('gives and stores nothing, and goes on where it was', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const driver = memoryDriver({ broker })
    const partition = await (await join(driver)).next()
    await send(driver, 'a')
    broker.stop()
    const fetching = partition.fetch()
    const refused = expect(partition.commit(1)).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(10_000)
    await refused
    broker.start()
    expect(await fetching).toHaveLength(1)
    expect(await partition.commit(1)).toBe(true)
  })

  it('lets nobody read in time, and whoever has the time go on where it was', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const driver = memoryDriver({ broker })
    for (let count = 0; count < 600; count++) await send(driver, 'a')
    const range = { topic, partition: 0, fromOffset: 0 }
    const readers = [1_000, 10_000].map((timeoutMs) => driver.read(range, { timeoutMs })[Symbol.asyncIterator]())
    for (const reader of readers) expect((await reader.next()).value).toHaveLength(500)
    broker.stop()
    const [hasty, patient] = readers.map((reader) => reader.next())
    const refused = expect(hasty).rejects.toMatchObject({ code: 'unavailable' })
    await vi.advanceTimersByTimeAsync(1_000)
    await refused
    broker.start()
    expect((await patient)?.value).toMatchObject({ length: 100, 0: { offset: 500 } })
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('evict', () => {
  it('gives the partitions of members to others at once, and lets them join again', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const [first, second] = [memoryDriver({ broker }), memoryDriver({ broker })]
    const zombie = await join(first)
    const lost = await zombie.next()
    const heir = await join(second)
    broker.evict(first)
    expect(lost.lost.aborted).toBe(true)
    expect(await lost.commit(5)).toBe(false)
    expect(await (await heir.next()).commit(1)).toBe(true)
    await expect.poll(() => zombie.member.state).toBe('assigned')
    await heir.member.leave(AbortSignal.abort())
    expect(await (await zombie.next()).commit(2)).toBe(true)
  })

  it('leaves members in the belief that nothing has happened, if told to', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const broker = memoryBroker({ partitionCount: 1 })
    const driver = memoryDriver({ broker })
    const { member, next } = await join(driver)
    const partition = await next()
    broker.evict(driver, { noticedAfterMs: 50 })
    await send(driver, 'a')
    expect(await partition.fetch()).toHaveLength(1)
    expect(await partition.commit(1)).toBe(false)
    expect(await partition.commitBeside(topic, 1)).toBe(false)
    expect([partition.revoked.aborted, member.state]).toEqual([false, 'assigned'])
    await vi.advanceTimersByTimeAsync(50)
    expect([partition.lost.aborted, member.state]).toEqual([true, 'assigned'])
    expect(broker.records(topic)).toHaveLength(1)
  })

  it('is for good where a process is dead', async () => {
    const broker = memoryBroker({ partitionCount: 1 })
    const [dead, living] = [memoryDriver({ broker }), memoryDriver({ broker })]
    const partition = await (await join(dead)).next()
    broker.evict(dead, { noticedAfterMs: 0 })
    broker.evict(dead, { noticedAfterMs: Number.POSITIVE_INFINITY })
    const heir = await join(living)
    expect(await (await heir.next()).commit(1)).toBe(true)
    expect(await partition.commit(2)).toBe(false)
  })

  it('refuses a time that is none', () => {
    const broker = memoryBroker()
    const evict = () => broker.evict(memoryDriver({ broker }), { noticedAfterMs: -1 })
    expect(evict).toThrow('noticedAfterMs: expected milliseconds from 0 or Infinity, found -1')
  })
})

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** A member that keeps what it is given until it is told to give it up. */
async function join(driver: QueueDriver) {
  const owned: AssignedPartition[] = []
  let given = () => {}
  const consume = async (partition: AssignedPartition): Promise<void> => {
    owned.push(partition)
    given()
    await new Promise((resolve) => partition.revoked.addEventListener('abort', resolve))
  }
  const next = async (): Promise<AssignedPartition> => {
    for (;;) {
      const partition = owned.shift()
      if (partition) return partition
      await new Promise<void>((resolve) => (given = resolve))
    }
  }
  const membership = { group: 'group', topics: [topic], log: silent, consume, fail: () => undefined }
  const member = await driver.join(membership, new AbortController().signal)
  onTestFinished(() => member.leave(AbortSignal.abort()))
  return { member, next }
}

function send(to: QueueDriver | MemoryBroker, text: string, timeoutMs = 60_000): Promise<void> {
  const driver = 'produce' in to ? to : driverOf(to)
  return driver.produce([{ topic, key: Buffer.from('k'), value: Buffer.from(text), headers: [] }], { timeoutMs })
}

/** The same for each call, as requests of one driver keep their order. */
function driverOf(broker: MemoryBroker): QueueDriver {
  const driver = drivers.get(broker) ?? memoryDriver({ broker })
  drivers.set(broker, driver)
  return driver
}

const drivers = new WeakMap<MemoryBroker, QueueDriver>()

function textsOf(broker: MemoryBroker): readonly string[] {
  return broker.records(topic).map(({ value }) => String(value))
}
