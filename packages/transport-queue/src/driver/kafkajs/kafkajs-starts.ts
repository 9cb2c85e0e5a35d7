import { type ConsumerStart, unlessAborted } from '@tenon/core/transport'
import type { Cluster } from 'kafkajs'
import { wait } from '../../wait.ts'
import type { StartWait } from '../kafka/start-wait.ts'
import type { PartitionFeed } from '../partition-feed.ts'
import { commitAll, type MemberIdentity } from './kafkajs-commit.ts'
import { readOffsets } from './kafkajs-offsets.ts'

export interface StartSurroundings {
  readonly cluster: Cluster
  readonly group: string
  readonly identity: MemberIdentity
  /** Of the member, over all its assignments. */
  readonly wait: StartWait
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
 * once, and the others wait for that, and do it themselves when it takes too long. Undefined when the feeds are given up before. Never rejects.
 */
export async function settleStart(
  surroundings: StartSurroundings,
  wanted: TopicStart,
): Promise<SettledStart | undefined> {
  const { topic, feeds } = wanted
  const [{ revoked } = neverGiven] = feeds
  let emptyCount = 0
  for (let attempt = 1; !revoked.aborted; attempt++) {
    try {
      const committed = await unlessAborted(readCommitted(surroundings, topic), revoked)
      if (committed === undefined) return undefined
      if (committed.size > 0) return settled(surroundings, topic, { offsets: committed, isOld: attempt === 1 })
      emptyCount++
      const offsets = await unlessAborted(sayStart(surroundings, wanted, emptyCount), revoked)
      if (offsets !== undefined) return settled(surroundings, topic, { offsets, isOld: false })
    } catch (error) {
      if (!revoked.aborted) surroundings.wait.failed(topic, error)
    }
    await wait(emptyCount === 1 ? confirmMs : Math.min(lookMs * attempt, maxLookMs), revoked)
  }
  return undefined
}

function settled({ wait: starting }: StartSurroundings, topic: string, start: SettledStart): SettledStart {
  starting.settled(topic, 'owner')
  return start
}

/** Commits where the group begins, once that was found before the last look. Undefined when it is not to be committed yet. */
async function sayStart(
  surroundings: StartSurroundings,
  wanted: TopicStart,
  emptyCount: number,
): Promise<ReadonlyMap<number, number> | undefined> {
  const { cluster, wait: starting } = surroundings
  const { topic, start, feeds } = wanted
  const isFirst = feeds.some(({ partition }) => partition === 0)
  if (!starting.isOver(topic) && !isFirst) return undefined
  const found = starting.offsetsOf(topic)
  if (found === undefined) starting.found(topic, await readOffsets(cluster, topic, start))
  if (found === undefined || emptyCount < 2) return undefined
  await commitStart(surroundings, wanted, found)
  if (!isFirst) starting.settled(topic, 'other')
  return new Map(found.entries())
}

async function commitStart(
  { cluster, group, identity }: StartSurroundings,
  { topic, feeds }: TopicStart,
  found: readonly number[],
): Promise<void> {
  const offsets = found.map((offset, partition) => ({ partition, offset }))
  const over = feeds[0]?.lost ?? neverGiven.revoked
  await commitAll(cluster, { group, topic, offsets, ...identity }, over)
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
