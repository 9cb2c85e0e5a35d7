import { unlessAborted } from '@tenon/core/transport'
import { wait } from '../../wait.ts'
import { missingTopicPatienceMs, notAllowedBeside, notCommitted, nothingBeside } from '../kafka/kafka-refusal.ts'
import type { DoneOffset, PartitionFeed } from '../partition-feed.ts'
import { errorIds, isAnyOf, isUnknownTopic, notOurs, reasonOf } from './platformatic-error.ts'
import type { PlatformaticGroup } from './platformatic-group.ts'

/** By what the coordinator knows whose commit it is. */
export interface MemberIdentity {
  readonly memberId: string
  /** The generation, or the epoch of the member. */
  readonly epoch: number
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** How far the group has come in partitions; those of which nothing was committed are left out. */
export async function readCommitted(
  group: PlatformaticGroup,
  wanted: readonly TopicPartitions[],
): Promise<ReadonlyMap<string, bigint>> {
  const topics = wanted.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] }))
  // Without a member, so that no epoch has to fit.
  const asked = { groupId: group.id, memberId: null, memberEpoch: -1, topics }
  // Stable: otherwise a coordinator that has just taken over says what its replicas had confirmed by then, which may be nothing.
  const { groups } = await group.request('OffsetFetch', [[asked], true])
  return new Map(
    (groups[0]?.topics ?? []).flatMap(({ name, partitions }) =>
      partitions
        // Kafka says -1 of a partition of which nothing was committed.
        .filter(({ committedOffset }) => committedOffset >= 0n)
        .map(({ partitionIndex, committedOffset }) => [`${name}/${partitionIndex}`, committedOffset] as const),
    ),
  )
}

/**
 * Stores the offset as long as the partition of the feed is the member's own. A coordinator that is away is asked again for a while.
 *
 * @throws ServiceError `unavailable`; `not_found` when another topic has no such partition
 */
export async function commitOffset(group: PlatformaticGroup, { feed, done, identity }: Commit): Promise<boolean> {
  const begunAt = Date.now()
  for (let attempt = 1; !feed.lost.aborted; attempt++) {
    const { memberId, epoch } = identity()
    const offset = {
      partitionIndex: feed.partition,
      committedOffset: BigInt(done.nextOffset),
      committedLeaderEpoch: -1,
    }
    const topics = [{ name: done.topic, partitions: [offset] }]
    try {
      const committing = group.request('OffsetCommit', [group.id, epoch, memberId, null, topics])
      return (await unlessAborted(committing, feed.lost)) !== undefined
    } catch (error) {
      // An epoch may be out of date while the partition is still the member's; it learns the new one with its next heartbeat.
      const isStale = isAnyOf(error, stale)
      if (!isStale && isAnyOf(error, notOurs)) return false
      const takenMs = Date.now() - begunAt
      if (takenMs >= commitTimeoutMs && isStale) return false
      const isMissing = done.topic !== feed.topic && isUnknownTopic(error) && takenMs >= missingTopicPatienceMs
      if (isMissing) throw nothingBeside(feed, done.topic)
      const refusal = done.topic === feed.topic ? undefined : notAllowedBeside(errorIds(error), done.topic)
      if (refusal !== undefined) throw refusal
      if (takenMs >= commitTimeoutMs) throw notCommitted(reasonOf(error), error)
    }
    await wait(commitRetryMs * attempt, feed.lost)
  }
  return false
}

/** Stores where a group begins in a topic, of all partitions together. @throws Error of the library */
export async function commitStart(group: PlatformaticGroup, { topic, offsets, identity }: GroupStart): Promise<void> {
  const { memberId, epoch } = identity()
  const partitions = offsets.map((offset, partitionIndex) => ({
    partitionIndex,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: -1,
  }))
  await group.request('OffsetCommit', [group.id, epoch, memberId, null, [{ name: topic, partitions }]])
}

export interface GroupStart {
  readonly topic: string
  /** In order of the partitions. */
  readonly offsets: readonly number[]
  identity(): MemberIdentity
}

export interface Commit {
  readonly feed: PartitionFeed
  readonly done: DoneOffset
  /** Asked for every try. */
  identity(): MemberIdentity
}

/** Bounds a commit. A guess. */
const commitTimeoutMs = 4_000
const commitRetryMs = 100
const stale: ReadonlySet<string> = new Set(['STALE_MEMBER_EPOCH'])
