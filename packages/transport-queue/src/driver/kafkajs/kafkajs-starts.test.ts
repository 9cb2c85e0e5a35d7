import type { Cluster } from 'kafkajs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { logInto } from '../../queue-transport.test-harness.ts'
import { StartWait } from '../kafka/start-wait.ts'
import { PartitionFeed } from '../partition-feed.ts'
import { settleStart } from './kafkajs-starts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const topic = 'topic'
const sessionTimeoutMs = 30_000

it('the owner of partition 0 finds the offsets before the second look, and commits them for all partitions', async () => {
  const { settling, asked } = settle([0])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await settling).toEqual({
    offsets: new Map([
      [0, 10],
      [1, 11],
    ]),
    isOld: false,
  })
  expect(asked).toEqual(['look', 'ends', 'look', 'commit 10 11'])
})

it('another waits for it, and says it itself when the owner has not for as long as a session, which is told', async () => {
  const { settling, asked, warned } = settle([1])
  await vi.advanceTimersByTimeAsync(sessionTimeoutMs - 1)
  expect(asked).toEqual(asked.map(() => 'look'))
  await vi.advanceTimersByTimeAsync(3_000)
  expect(await settling).toEqual({
    offsets: new Map([
      [0, 10],
      [1, 11],
    ]),
    isOld: false,
  })
  expect(asked.slice(-4)).toEqual(['look', 'ends', 'look', 'commit 10 11'])
  expect(warned()).toMatchObject([
    ['warn', { group: 'group', topic, partition: 0 }, expect.stringContaining('another')],
  ])
})

it('it commits nothing when somebody has, at its last look', async () => {
  const { settling, asked, commit } = settle([1], { onEnds: () => commit(1, 40) })
  await vi.advanceTimersByTimeAsync(sessionTimeoutMs + 3_000)
  expect(await settling).toEqual({ offsets: new Map([[1, 40]]), isOld: false })
  expect(asked.slice(-3)).toEqual(['look', 'ends', 'look'])
})

it('offsets stay as they were found first, however often the commit is refused, and the last error is told once', async () => {
  const refusals = Array.from({ length: 40 }, (_, index) => `no ${index}`)
  const { settling, asked, warned } = settle([0], { refusals })
  await vi.advanceTimersByTimeAsync(sessionTimeoutMs + 20_000)
  expect(await settling).toMatchObject({ isOld: false })
  expect(asked.filter((one) => one === 'ends')).toHaveLength(1)
  expect(asked.at(-1)).toBe('commit 10 11')
  const [[, facts] = [], ...others] = warned()
  expect(facts).toMatchObject({
    group: 'group',
    topic,
    partition: 0,
    err: { message: expect.stringMatching(/^no [1-9]/) },
  })
  expect(others).toEqual([])
})

it('the wait goes on over assignments, and nothing is told or committed of one that was given up', async () => {
  const first = settle([1])
  await vi.advanceTimersByTimeAsync(sessionTimeoutMs - 1)
  first.feed.revoke()
  expect(await first.settling).toBeUndefined()
  const second = settle([1], { wait: first.wait })
  await vi.advanceTimersByTimeAsync(3_000)
  expect(await second.settling).toMatchObject({ isOld: false })
  expect(first.asked.filter((one) => one !== 'look')).toEqual([])
})

interface SettleOptions {
  readonly wait?: StartWait
  /** What the coordinator says to commits before it takes one. */
  readonly refusals?: readonly string[]
  readonly onEnds?: () => void
}

/** A member with these partitions of a group that has committed nothing of a topic of two, and what its brokers are asked. */
function settle(partitions: readonly number[], { wait, refusals = [], onEnds = () => undefined }: SettleOptions = {}) {
  const asked: string[] = []
  const told: unknown[] = []
  const left = [...refusals]
  const committed = new Map<number, number>()
  const broker = {
    offsetFetch: async () => {
      asked.push('look')
      const known = [0, 1].map((partition) => ({ partition, offset: String(committed.get(partition) ?? -1) }))
      return { responses: [{ topic, partitions: known }] }
    },
    offsetCommit: async ({ topics }: { topics: readonly { partitions: readonly { offset: string }[] }[] }) => {
      asked.push(['commit', ...(topics[0]?.partitions ?? []).map(({ offset }) => offset)].join(' '))
      const refusal = left.shift()
      if (refusal !== undefined) throw new Error(refusal)
    },
  }
  const cluster = {
    addTargetTopic: async () => undefined,
    findTopicPartitionMetadata: () => [0, 1].map((partitionId) => ({ partitionId })),
    findGroupCoordinatorMetadata: async () => ({ coordinator: { nodeId: 1 } }),
    findBroker: async () => broker,
    fetchTopicsOffset: async () => {
      asked.push('ends')
      onEnds()
      return [{ topic, partitions: [10, 11].map((offset, partition) => ({ partition, offset: String(offset) })) }]
    },
  }
  const feeds = partitions.map((partition) => new PartitionFeed({ topic, partition, commit: async () => true }))
  const [feed = new PartitionFeed({ topic, partition: 0, commit: async () => true })] = feeds
  const own = wait ?? new StartWait({ membership: { group: 'group', log: logInto(told) }, sessionTimeoutMs })
  // Of the cluster only these are used.
  const surroundings = { cluster: cluster as unknown as Cluster, group: 'group', identity, wait: own }
  const settling = settleStart(surroundings, { topic, start: 'latest', feeds })
  const warned = () => told.filter((line): line is unknown[] => Array.isArray(line) && line[0] === 'warn')
  const commit = (partition: number, offset: number) => void committed.set(partition, offset)
  return { settling, asked, warned, commit, feed, wait: own }
}

const identity = { memberId: 'member', generationId: 7 }
