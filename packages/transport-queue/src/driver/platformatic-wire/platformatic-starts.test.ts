import type { ClusterMetadata } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { logInto } from '../../queue-transport.test-harness.ts'
import { PartitionFeed } from '../partition-feed.ts'
import type { RequestRoute } from './platformatic-client.ts'
import type { PlatformaticGroup } from './platformatic-group.ts'
import { GroupStarts } from './platformatic-starts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const sessionTimeoutMs = 30_000

it('the owner of partition 0 finds the offsets before the last look, and commits them for all partitions', async () => {
  const { settle, asked } = open({ a: [0] })
  expect(await settle()).toEqual([])
  expect(asked).toEqual(['look a', 'ends a', 'look a', 'commit a 10 10'])
})

it('another waits for it, and says it itself when the owner has not for as long as a session, which is told', async () => {
  const { settle, asked, warned } = open({ a: [1] })
  expect(await settle()).toEqual(['a'])
  vi.advanceTimersByTime(sessionTimeoutMs - 1)
  expect(await settle()).toEqual(['a'])
  expect(asked).toEqual(['look a', 'look a'])
  vi.advanceTimersByTime(1)
  expect(await settle()).toEqual([])
  expect(asked.slice(2)).toEqual(['look a', 'ends a', 'look a', 'commit a 10 10'])
  const text = expect.stringContaining('another member has')
  expect(warned()).toEqual([['warn', { group: 'group', topic: 'a', partition: 0 }, text]])
})

it('it commits nothing when somebody has, at its last look', async () => {
  const { settle, asked, committed } = open({ a: [1] }, { onEnds: () => void committed.set('a', 4) })
  await settle()
  vi.advanceTimersByTime(sessionTimeoutMs)
  expect(await settle()).toEqual([])
  expect(asked.slice(1)).toEqual(['look a', 'ends a', 'look a'])
})

it('offsets stay as they were found first, however often the commit is refused, and the last error is told once', async () => {
  const { settle, asked, warned } = open({ a: [0] }, { refusals: ['first', 'last', 'later'] })
  expect(await settle()).toEqual(['a'])
  vi.advanceTimersByTime(sessionTimeoutMs)
  expect(await settle()).toEqual(['a'])
  expect(await settle()).toEqual(['a'])
  expect(await settle()).toEqual([])
  expect(asked.filter((one) => one === 'ends a')).toHaveLength(1)
  expect(warned()).toMatchObject([
    ['warn', { topic: 'a', partition: 0, err: { message: 'last' } }, expect.stringContaining('cannot')],
  ])
})

it('what holds up one topic holds up no other', async () => {
  const { settle, asked } = open({ a: [0], b: [0] }, { refusals: ['no'] })
  expect(await settle()).toEqual(['a'])
  expect(asked.at(-1)).toBe('commit b 10 10')
})

interface OpenOptions {
  /** What the coordinator says to commits before it takes one. */
  readonly refusals?: readonly string[]
  readonly onEnds?: () => void
}

/** A member with these partitions of topics of two, of which its group has committed nothing, and what its brokers are asked. */
function open(owned: Readonly<Record<string, readonly number[]>>, { refusals = [], onEnds }: OpenOptions = {}) {
  const asked: string[] = []
  const told: unknown[] = []
  const left = [...refusals]
  const committed = new Map<string, number>()
  const topics = Object.keys(owned)
  const starts = new Map(topics.map((topic) => [topic, 'latest'] as const))
  const group = {
    id: 'group',
    membership: { group: 'group', starts, log: logInto(told) },
    settings: { sessionTimeoutMs },
    client: {
      request: async (_name: string, _route: RequestRoute, [, , [wanted]]: readonly [number, number, Wanted[]]) => {
        asked.push(`ends ${wanted?.name}`)
        onEnds?.()
        const partitions = [0, 1].map((partitionIndex) => ({ partitionIndex, offset: 10n }))
        return { topics: [{ name: wanted?.name, partitions }] }
      },
    },
    request: async (name: string, values: readonly unknown[]) => {
      if (name === 'OffsetFetch') return look(nameOf(values[0]))
      const offsets = first(values.at(-1))
      const refusal = left.shift()
      asked.push(`commit ${textOf(offsets)}`)
      if (refusal !== undefined) throw new Error(refusal)
      return undefined
    },
  }
  const look = (topic: string) => {
    asked.push(`look ${topic}`)
    const committedOffset = BigInt(committed.get(topic) ?? -1)
    return { groups: [{ topics: [{ name: topic, partitions: [{ partitionIndex: 1, committedOffset }] }] }] }
  }
  // Of the group only these are used.
  const groupStarts = new GroupStarts(group as unknown as PlatformaticGroup)
  const identity = () => ({ memberId: 'member', epoch: 7 })
  const feeds = topics.flatMap((topic) =>
    (owned[topic] ?? []).map((partition) => new PartitionFeed({ topic, partition, commit: async () => true })),
  )
  const known = topics.map(
    (topic) => [topic, { partitionsCount: 2, partitions: [{ leader: 1 }, { leader: 1 }] }] as const,
  )
  const cluster = { topics: new Map(known) } as unknown as ClusterMetadata
  const route = () => ({}) as RequestRoute
  const settle = async () => [
    ...(await groupStarts.settle({ cluster, owned: feeds.map((feed) => ({ feed, identity })), route })),
  ]
  const warned = () => told.filter((line) => Array.isArray(line) && line[0] === 'warn')
  return { settle, asked, warned, committed }
}

interface Wanted {
  readonly name: string
}

/** The topic that the group asks for. */
function nameOf(groups: unknown): string {
  const [
    {
      topics: [{ name } = { name: '' }],
    } = { topics: [] },
  ] = groups as readonly { topics: readonly Wanted[] }[]
  return name
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

function textOf(topic: unknown): string {
  const { name, partitions } = topic as { name: string; partitions: readonly { committedOffset: bigint }[] }
  return [name, ...partitions.map(({ committedOffset }) => committedOffset)].join(' ')
}
