import { type ConsumerStart, unlessAborted } from '@tenon/core/transport'
import type { Cluster } from 'kafkajs'
import { wait } from '../../wait.ts'
import type { PartitionFeed } from '../partition-feed.ts'
import { commitAll, type MemberIdentity } from './kafkajs-commit.ts'
import { readOffsets } from './kafkajs-offsets.ts'

export interface StartSurroundings {
  readonly cluster: Cluster
  readonly group: string
  readonly identity: MemberIdentity
}

export interface TopicStart {
  readonly topic: string
  readonly start: ConsumerStart
  /** What this member owns of it. */
  readonly feeds: readonly PartitionFeed[]
}

/** Offsets by partition that the group has committed, now that it has any. */
export interface SettledStart {
  readonly offsets: ReadonlyMap<number, number>
  /** Whether they were there at the first look, so that kafkajs knows them too. */
  readonly isOld: boolean
}

/**
 * Resolves when the group has committed something of the topic. Whoever owns partition 0 commits where it begins, for all partitions at
 * once, and the others wait for that. Undefined when the feeds are given up before. Never rejects.
 */
export async function settleStart(
  surroundings: StartSurroundings,
  wanted: TopicStart,
): Promise<SettledStart | undefined> {
  const [{ revoked } = neverGiven] = wanted.feeds
  const isFirst = wanted.feeds.some(({ partition }) => partition === 0)
  let emptyCount = 0
  for (let attempt = 1; !revoked.aborted; attempt++) {
    const committed = await tried(readCommitted(surroundings, wanted.topic), revoked)
    if (committed !== undefined && committed.size > 0) return { offsets: committed, isOld: attempt === 1 }
    if (committed !== undefined && isFirst) emptyCount++
    const offsets = emptyCount < 2 ? undefined : await tried(commitStart(surroundings, wanted), revoked)
    if (offsets !== undefined) return { offsets, isOld: false }
    await wait(emptyCount === 1 ? confirmMs : Math.min(lookMs * attempt, maxLookMs), revoked)
  }
  return undefined
}

/** Undefined when it failed, or the signal fired. */
function tried<T>(work: Promise<T>, over: AbortSignal): Promise<T | undefined> {
  return unlessAborted(
    work.catch(() => undefined),
    over,
  )
}

async function commitStart(
  { cluster, group, identity }: StartSurroundings,
  { topic, start, feeds }: TopicStart,
): Promise<ReadonlyMap<number, number>> {
  const offsets = (await readOffsets(cluster, topic, start)).map((offset, partition) => ({ partition, offset }))
  const over = feeds[0]?.lost ?? neverGiven.revoked
  await commitAll(cluster, { group, topic, offsets, ...identity }, over)
  return new Map(offsets.map(({ partition, offset }) => [partition, offset]))
}

async function readCommitted(
  { cluster, group }: StartSurroundings,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const partitions = cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId: partition }) => ({ partition, offset: '0' }))
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId: group })
  const broker = await cluster.findBroker({ nodeId: String(coordinator.nodeId) })
  const { responses } = await broker.offsetFetch({ groupId: group, topics: [{ topic, partitions }] })
  const found = responses.flatMap((one) =>
    one.partitions.map(({ partition, offset }) => [partition, Number(offset)] as const),
  )
  // Kafka says -1 of a partition of which nothing was committed.
  return new Map(found.filter(([, offset]) => offset >= 0))
}

const neverGiven = { revoked: new AbortController().signal }
/**
 * A coordinator that has just taken over may say of what was committed that it was not, and kafkajs cannot ask it to wait: it is asked
 * twice before a group counts as new. A guess.
 */
const confirmMs = 1_000
/** Between looks. Guesses. */
const lookMs = 100
const maxLookMs = 1_000
