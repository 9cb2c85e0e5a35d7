import { ServiceError } from '@tenon/core/transport'
import { expect, test, vi } from 'vitest'
import type { QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { fakeClock, logInto } from '../../queue-transport.test-harness.ts'
import { RetryPartition } from './retry-partition.ts'

const topic = 'orders.retry.user'

function* endless(): Generator<number, never> {
  for (;;) yield 250
}

interface OpenOptions {
  /** What is thrown in the place of the reading of this number, from 1. */
  readonly failure?: (readingCount: number) => Error | undefined
  readonly isBehind?: () => boolean
  readonly foundNothing?: () => Promise<number>
  readonly readAgain?: () => number | undefined
  readonly commit?: (nextOffset: number) => Promise<boolean>
  readonly missed?: (partition: RetryPartition) => void
}

/** A partition over a log of offsets, read two at a time. */
function open(options: OpenOptions = {}) {
  const { failure, isBehind = () => false, foundNothing = async () => 0, commit = async () => true } = options
  const ending = new AbortController()
  const clock = fakeClock(1_000)
  const log: number[] = []
  const read = { beganAt: [] as number[], endedCount: 0 }
  const commits: number[] = []
  const told: unknown[] = []
  const driver: Pick<QueueDriver, 'read'> = {
    async *read({ fromOffset }) {
      read.beganAt.push(fromOffset)
      try {
        const error = failure?.(read.beganAt.length)
        if (error) throw error
        const found = log.filter((offset) => offset >= fromOffset)
        for (let index = 0; index < found.length; index += 2) yield found.slice(index, index + 2).map(toRecord)
      } finally {
        read.endedCount += 1
      }
    },
  }
  const source = {
    topic: 'orders',
    partition: 0,
    revoked: ending.signal,
    lost: ending.signal,
    startOffset: async () => 0,
    fetch: async () => [],
    commit: async () => true,
    commitBeside: async (_topic: string, nextOffset: number) => {
      commits.push(nextOffset)
      return commit(nextOffset)
    },
  }
  const fetched: number[] = []
  const fetchedFrom: number[] = []
  let readAllCount = 0
  const committed: number[] = []
  const partition = new RetryPartition({
    source,
    topic,
    driver,
    clock,
    log: logInto(told),
    timeoutMs: 1_000,
    delays: endless,
    isBehind,
    foundNothing,
    missed: async () => options.missed?.(partition),
    readAgain: options.readAgain ?? (() => undefined),
    readAll: () => void (readAllCount += 1),
    fetched: (records, fromOffset) => {
      fetched.push(...records.map(({ offset }) => offset))
      fetchedFrom.push(fromOffset)
    },
    committed: (nextOffset) => void committed.push(nextOffset),
  })
  return {
    partition,
    log,
    read,
    commits,
    committed,
    fetched,
    fetchedFrom,
    readAllCount: () => readAllCount,
    told,
    clock,
    ending,
  }
}

function toRecord(offset: number): ReceivedRecord {
  return { topic, partition: 0, offset, timestampAt: 0, key: null, value: null, headers: [] }
}

const offsetsOf = (records: readonly ReceivedRecord[]) => records.map(({ offset }) => offset)

test('is read from where it was left, and only when there may be something', async () => {
  const { partition, log, read, fetched } = open()
  log.push(3, 4, 5)
  partition.startAt(4)
  const first = partition.fetch()
  expect(read.beganAt).toEqual([])
  partition.wake()
  expect(offsetsOf(await first)).toEqual([4, 5])
  expect([read.beganAt, partition.position, fetched]).toEqual([[4], 6, [4, 5]])
  const second = partition.fetch()
  log.push(6)
  partition.wake()
  expect(offsetsOf(await second)).toEqual([6])
  expect(read.beganAt).toEqual([4, 6])
})

test('a reading begins some time after the last one, so that it has what was stored meanwhile', async () => {
  const { partition, log, read, clock } = open()
  log.push(0)
  partition.wake()
  await partition.fetch()
  expect(clock.waitedMs).toEqual([])
  const next = partition.fetch()
  log.push(1, 2)
  partition.wake()
  expect(offsetsOf(await next)).toEqual([1, 2])
  expect([clock.waitedMs, read.beganAt]).toEqual([[100], [0, 1]])
})

test('a reading that is not at its end is ended with the partition', async () => {
  const { partition, log, read, ending } = open()
  log.push(0, 1, 2)
  partition.wake()
  await partition.fetch()
  expect(read.endedCount).toBe(0)
  ending.abort()
  expect(await partition.fetch()).toEqual([])
  expect(read.endedCount).toBe(1)
})

test('what cannot be read is tried again, and told once', async () => {
  const failure = (readingCount: number) => (readingCount < 3 ? new ServiceError('unavailable', 'away') : undefined)
  const { partition, log, read, told, clock } = open({ failure, isBehind: () => true })
  log.push(0)
  expect(offsetsOf(await partition.fetch())).toEqual([0])
  expect([read.beganAt, told.length]).toEqual([[0, 0, 0], 1])
  expect(clock.waitedMs).toEqual([250, 250])
})

test('what cannot be read is tried again, also where nothing counts that is left', async () => {
  const failure = (readingCount: number) => (readingCount < 3 ? new ServiceError('unavailable', 'away') : undefined)
  const { partition, log, read, clock } = open({ failure })
  log.push(0)
  partition.wake()
  expect(offsetsOf(await partition.fetch())).toEqual([0])
  expect([read.beganAt, clock.waitedMs]).toEqual([
    [0, 0, 0],
    [250, 250],
  ])
})

test('what is gone is passed over, so that it is not waited for', async () => {
  const answers: (() => Promise<number>)[] = [
    () => Promise.reject(new ServiceError('unavailable', 'away')),
    async () => 7,
  ]
  let isBehind = true
  const { partition, log, read } = open({
    isBehind: () => isBehind,
    foundNothing: async () => {
      const keptOffset = await answers.shift()?.()
      isBehind = false
      return keptOffset ?? 0
    },
  })
  partition.startAt(3)
  const fetching = partition.fetch()
  await vi.waitFor(() => expect(partition.position).toBe(7))
  log.push(8)
  partition.wake()
  expect(offsetsOf(await fetching)).toEqual([8])
  expect([read.beganAt, answers.length]).toEqual([[3, 3, 7], 0])
})

test('is given up while it waits', async () => {
  const { partition, read, ending } = open()
  const fetching = partition.fetch()
  ending.abort()
  expect([await fetching, read.beganAt]).toEqual([[], []])
})

test('a commit is told when it is stored, and what is stored anew is the last of them', async () => {
  const answers = [true, false, true]
  const { partition, commits, committed } = open({ commit: async () => answers.shift() ?? true })
  partition.startAt(2)
  await partition.commit(3)
  await partition.commit(4)
  await partition.storeAnew()
  expect([commits, committed]).toEqual([[3, 4, 3], [3]])
})

test('what is stored anew comes neither beside a commit nor behind one', async () => {
  const answer = Promise.withResolvers<boolean>()
  const { partition, commits } = open({ commit: () => answer.promise })
  const keeping = partition.storeAnew()
  const committing = partition.commit(5)
  const again = partition.storeAnew()
  expect(commits).toEqual([0])
  answer.resolve(true)
  await Promise.all([keeping, committing, again])
  expect(commits).toEqual([0, 5])
})

test.each([
  ['fails', () => Promise.reject(new ServiceError('unavailable', 'away'))],
  ['is refused', async () => false],
])('what is stored anew is not taken for stored while another commit is under way, which %s', async (_what, end) => {
  const answer = Promise.withResolvers<void>()
  const answers = [() => answer.promise.then(end), async () => false]
  const { partition, commits } = open({ commit: async () => (await answers.shift()?.()) ?? true })
  partition.startAt(3)
  const committing = partition.commit(5).catch(() => false)
  const anew = partition.storeAnew()
  answer.resolve()
  expect([await committing, await anew, commits]).toEqual([false, false, [5, 3]])
})

test('what is stored anew behind another commit is that one', async () => {
  const { partition, commits } = open()
  const committing = partition.commit(5)
  const anew = partition.storeAnew()
  expect([await committing, await anew, commits]).toEqual([true, true, [5, 5]])
})

test('is read again from where that is wanted, to where it was read before and on', async () => {
  const again = [undefined, 1, undefined]
  const { partition, log, read, fetched, fetchedFrom, readAllCount } = open({ readAgain: () => again.shift() })
  log.push(0, 1, 2)
  partition.wake()
  await partition.fetch()
  await partition.fetch()
  expect([partition.position, partition.farthest, readAllCount()]).toEqual([3, 3, 0])
  const next = partition.fetch()
  log.push(5)
  partition.wake()
  await next
  expect([partition.position, partition.farthest, readAllCount()]).toEqual([3, 3, 1])
  await partition.fetch()
  expect([read.beganAt, fetched, fetchedFrom]).toEqual([
    [0, 1],
    [0, 1, 2, 1, 2, 5],
    [0, 2, 1, 3],
  ])
})

test('what was to be read again is not all read where the broker does not give it', async () => {
  const again = [undefined, 1]
  const { partition, log, read, readAllCount, clock, fetched } = open({
    readAgain: () => again.shift(),
    // As when the broker that is asked does not know of the end yet.
    failure: (readingCount) => {
      if (readingCount === 3) log.push(1, 2, 3)
      return undefined
    },
  })
  log.push(0, 1, 2, 3)
  partition.wake()
  await partition.fetch()
  await partition.fetch()
  log.splice(1, 3)
  const next = partition.fetch()
  partition.wake()
  expect(offsetsOf(await next)).toEqual([1, 2])
  expect([read.beganAt, readAllCount(), clock.waitedMs.includes(250)]).toEqual([[0, 1, 1], 1, true])
  expect([offsetsOf(await partition.fetch()), fetched.length]).toEqual([[3], 7])
})

test('offsets go on behind those of a topic that is gone, and commits are of the one that is there', async () => {
  const { partition, log, fetched, commits, committed, read } = open()
  partition.startAt(3)
  log.push(3, 4, 5)
  partition.wake()
  await partition.fetch()
  log.length = 0
  partition.restartAt(6)
  log.push(0, 1)
  partition.wake()
  expect(offsetsOf(await partition.fetch())).toEqual([6, 7])
  expect([read.beganAt, fetched, partition.position, partition.farthest]).toEqual([[3, 0], [3, 4, 6, 7], 8, 8])
  await partition.commit(5)
  await partition.storeAnew()
  await partition.commit(8)
  await partition.storeAnew()
  expect([committed, commits]).toEqual([
    [5, 8],
    [0, 2, 2],
  ])
})

test('a topic that a broker does not know while something should be there is looked for, and is waited for if it is not gone', async () => {
  let missedCount = 0
  let end: number | undefined = 5
  const { partition, log, read, clock } = open({
    failure: (readingCount) => (readingCount < 4 ? new ServiceError('not_found', 'no such topic') : undefined),
    isBehind: () => end !== undefined,
    missed: (missing) => {
      if (++missedCount < 3) return
      missing.restartAt(end ?? 0)
      end = undefined
    },
  })
  log.push(0)
  const next = partition.fetch()
  await vi.waitUntil(() => missedCount === 3)
  partition.wake()
  expect(offsetsOf(await next)).toEqual([5])
  expect([read.beganAt, missedCount]).toEqual([[0, 0, 0, 0], 3])
  expect(clock.waitedMs.filter((durationMs) => durationMs === 250)).toHaveLength(2)
})

test('what is to be read again of a topic that is gone is not asked of the one that is there', async () => {
  const { partition, log, read } = open({ readAgain: () => 2 })
  partition.restartAt(6)
  log.push(0)
  partition.wake()
  expect([offsetsOf(await partition.fetch()), read.beganAt]).toEqual([[6], [0]])
})

test('what a reading had fetched of a topic that is gone is not taken for something of the one that is there', async () => {
  const { partition, log, fetched } = open({
    failure: (readingCount) => {
      if (readingCount === 1) partition.restartAt(5)
      else log.push(1)
      partition.wake()
      return undefined
    },
  })
  log.push(0)
  partition.wake()
  expect([offsetsOf(await partition.fetch()), fetched]).toEqual([
    [5, 6],
    [5, 6],
  ])
})
