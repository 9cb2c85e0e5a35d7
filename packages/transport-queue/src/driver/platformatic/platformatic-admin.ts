import type { Admin } from '@platformatic/kafka'
import type { PartitionProgress, TopicToEnsure } from '../../queue-driver.ts'
import { errorIds, reasonOf } from '../platformatic-wire/platformatic-error.ts'

/** Creates the topics that are missing, each by itself: one that exists would fail the others of its request. */
export async function createMissing(admin: Admin, topics: readonly TopicToEnsure[]): Promise<void> {
  const existing = new Set(await admin.listTopics({}))
  const missing = topics.filter(({ topic }) => !existing.has(topic))
  const failures: string[] = []
  for (const { topic, partitionCount } of missing) {
    try {
      // -1 leaves the number to the broker. @see KIP-464
      await admin.createTopics({ topics: [{ topic, partitions: partitionCount ?? -1, replicas: -1 }] })
    } catch (error) {
      if (!errorIds(error).has('TOPIC_ALREADY_EXISTS')) failures.push(`${topic}: ${reasonOf(error)}`)
    }
  }
  if (failures.length > 0) throw new Error(`topics could not be created: ${failures.join('; ')}`)
}

/** What the cluster knows of a topic and a group, in order of the partitions. */
export async function readProgress(admin: Admin, topic: string, group: string): Promise<readonly PartitionProgress[]> {
  // Without tries: a topic that was never created would be asked for over and over.
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 })
  const partitions = Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, index) => index)
  const [earliest, next, committed] = await Promise.all([
    readOffsets(admin, { topic, partitions, timestamp: earliestTimestamp }),
    readOffsets(admin, { topic, partitions, timestamp: latestTimestamp }),
    readCommitted(admin, { topic, partitions, group }),
  ])
  return partitions.map((partition) => ({
    partition,
    earliestOffset: earliest.get(partition) ?? 0,
    nextOffset: next.get(partition) ?? 0,
    committedOffset: committed.get(partition),
  }))
}

interface WantedOffsets {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly timestamp: bigint
}

async function readOffsets(
  admin: Admin,
  { topic, partitions, timestamp }: WantedOffsets,
): Promise<ReadonlyMap<number, number>> {
  const wanted = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }))
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: wanted }] })
  return new Map(listed?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
}

async function readCommitted(
  admin: Admin,
  { topic, partitions, group }: { topic: string; partitions: readonly number[]; group: string },
): Promise<ReadonlyMap<number, number>> {
  const topics = [{ name: topic, partitionIndexes: [...partitions] }]
  const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }] })
  const offsets = found?.topics.find(({ name }) => name === topic)?.partitions ?? []
  // Kafka says -1 of a partition of which nothing was committed.
  const isCommitted = ({ committedOffset }: { readonly committedOffset: bigint }) => committedOffset >= 0n
  return new Map(offsets.filter(isCommitted).map((one) => [one.partitionIndex, Number(one.committedOffset)] as const))
}

/** @see Kafka protocol guide, ListOffsets */
const earliestTimestamp = -2n
const latestTimestamp = -1n
