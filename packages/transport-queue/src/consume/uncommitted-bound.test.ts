import { changedPartition } from './changed-partition.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryBroker } from '../driver/memory/memory-broker.ts'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import type { AssignedPartition, QueueDriver } from '../queue-driver.ts'
import { logInto, type Placed, seeded, start, toRecord } from '../queue-transport.test-harness.ts'

/** So long that no commit of a test is owed to it. */
const commitIntervalMs = 60_000

describe('what comes again if the process dies', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is bounded while no commit is stored, and handling goes on when commits are', async () => {
    let isAway = true
    const { seen, commits } = await consume((stored) => {
      if (isAway) throw new Error('away')
      return stored()
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(seen).toHaveLength(10)
    isAway = false
    await vi.advanceTimersByTimeAsync(200)
    expect(seen).toHaveLength(25)
    expect(commits.at(-1)).toBe(25)
  })

  it('is bounded while commits are refused, and handling goes on if the partition stays', async () => {
    let isOurs = false
    const { seen } = await consume(async (stored) => isOurs && (await stored()))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(seen).toHaveLength(10)
    isOurs = true
    await vi.advanceTimersByTimeAsync(200)
    expect(seen).toHaveLength(25)
  })

  it('is committed when it is half of the bound, long before the interval is over', async () => {
    const { seen, commits } = await consume((stored) => stored())
    await vi.advanceTimersByTimeAsync(0)
    expect(seen).toHaveLength(25)
    expect(commits.every((nextOffset, index) => nextOffset - (commits[index - 1] ?? 0) <= 10)).toBe(true)
    expect(commits.at(-1)).toBeGreaterThanOrEqual(20)
    expect(commits.length).toBeLessThanOrEqual(5)
  })

  it('is committed though it is less than half, when the rest waits for one message', async () => {
    const held = Promise.withResolvers<void>()
    const { seen, commits } = await consume((stored) => stored(), { 3: held.promise })
    await vi.advanceTimersByTimeAsync(0)
    expect([seen.length, commits.at(-1)]).toEqual([12, 3])
    held.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(seen).toHaveLength(25)
  })

  it('is told of once when the partition has waited for long, and what it waits for', async () => {
    const held = Promise.withResolvers<void>()
    const { told } = await consume((stored) => stored(), { 3: held.promise })
    await vi.advanceTimersByTimeAsync(9_999)
    expect(told).toEqual([])
    await vi.advanceTimersByTimeAsync(60_000)
    const text = 'the partition stands still until there is room in maxUncommittedCount, for its oldest message'
    const oldest = { partition: 0, offset: 3, stage: 'running', sinceAt: expect.any(Number) as number }
    const facts = { oldest, committableCount: 0, maxUncommittedCount }
    expect(told).toEqual([['warn', facts, text]])
    held.resolve()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(told).toHaveLength(1)
  })

  it('is told of with the broker as the cause, where its commits are not stored', async () => {
    const { told } = await consume(async () => false)
    await vi.advanceTimersByTimeAsync(10_100)
    expect(told).toContainEqual([
      'warn',
      expect.objectContaining({ committableCount: 10 }),
      'the partition stands still until there is room in maxUncommittedCount, for the broker to store a commit',
    ])
  })

  it('is nothing when a partition is given up in good order, though a commit was refused just before', async () => {
    let isBetween = true
    const answers: boolean[] = []
    const { server, seen, commits } = await consume(async (stored) => {
      answers.push(!isBetween && (await stored()))
      return answers.at(-1) ?? false
    })
    await vi.advanceTimersByTimeAsync(100)
    isBetween = false
    await server.drain(new AbortController().signal)
    expect([seen.length, commits.at(-1), answers]).toEqual([10, 10, [false, true]])
  })

  it('is told of once in a minute while commits are not stored', async () => {
    let isOurs = false
    const { told } = await consume(async (stored) => isOurs && (await stored()))
    await vi.advanceTimersByTimeAsync(5_000)
    isOurs = true
    await vi.advanceTimersByTimeAsync(200)
    expect(told).toEqual([
      ['warn', { nextOffset: expect.any(Number) as number }, 'a commit was refused; it is tried again'],
    ])
  })

  it('does not keep a partition that is given up', async () => {
    const { server } = await consume(() => Promise.reject(new Error('away')))
    await vi.advanceTimersByTimeAsync(1_000)
    let hasLeft = false
    void server.drain(new AbortController().signal).then(() => (hasLeft = true))
    await vi.advanceTimersByTimeAsync(0)
    expect(hasLeft).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})

const messageCount = 25
const maxUncommittedCount = 10

/** Consumes messages of different keys, with commits that go as a test says; some are held until a promise says so. */
async function consume(
  answer: (stored: () => Promise<boolean>) => Promise<boolean>,
  held: Readonly<Record<number, Promise<void>>> = {},
) {
  const records = Array.from({ length: messageCount }, (_, index) =>
    toRecord(JSON.stringify({ orderId: `k${index}`, count: index }), `k${index}`),
  )
  const broker = await seeded(records)
  const commits: number[] = []
  const seen: number[] = []
  const commit = (partition: AssignedPartition) => async (nextOffset: number) => {
    commits.push(nextOffset)
    return answer(() => partition.commit(nextOffset))
  }
  const driver = withCommits(memoryDriver({ broker }), commit)
  const handle = async ({ count }: Placed) => {
    await held[count]
    seen.push(count)
  }
  const told: unknown[] = []
  const options = { driver, maxUncommittedCount, commitIntervalMs, log: logInto(told) }
  const { server } = await start(memoryBroker(), handle, options)
  return { seen, commits, server, told }
}

function withCommits(
  driver: QueueDriver,
  commit: (partition: AssignedPartition) => AssignedPartition['commit'],
): QueueDriver {
  const join = driver.join.bind(driver)
  return Object.assign(driver, {
    join: ((membership, signal) => {
      const consuming = (partition: AssignedPartition) =>
        membership.consume(changedPartition(partition, { commit: commit(partition) }))
      return join({ ...membership, consume: consuming }, signal)
    }) satisfies QueueDriver['join'],
  })
}
