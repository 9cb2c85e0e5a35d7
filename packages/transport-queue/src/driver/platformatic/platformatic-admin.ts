import type { Admin } from '@platformatic/kafka'
import type { ConsumerStart } from '@tenon/core/transport'
import type { PartitionProgress, TopicRetention, TopicToEnsure } from '../../queue-driver.ts'
import { notKnownYet } from '../kafka/kafka-refusal.ts'
import { keptSettings, retentionSettings, toRetention } from '../kafka/kafka-retention.ts'
import { errorIds, isUnknownTopic, reasonOf } from '../platformatic-wire/platformatic-error.ts'

/** Creates the topics that are missing, each by itself: one that exists would fail the others of its request. */
export async function createMissing(admin: Admin, topics: readonly TopicToEnsure[]): Promise<void> {
  const existing = new Set(await admin.listTopics({}))
  const missing = topics.filter(({ topic }) => !existing.has(topic))
  const failures: string[] = []
  for (const wanted of missing) {
    const { topic, partitionCount } = wanted
    try {
      // -1 leaves the number to the broker. @see KIP-464
      await admin.createTopics({
        topics: [topic],
        partitions: partitionCount ?? -1,
        replicas: -1,
        configs: keptSettings(wanted),
      })
    } catch (error) {
      if (!errorIds(error).has('TOPIC_ALREADY_EXISTS')) failures.push(`${topic}: ${reasonOf(error)}`)
    }
  }
  if (failures.length > 0) throw new Error(`topics could not be created: ${failures.join('; ')}`)
}

/**
 * What the cluster knows of a topic and a group, in order of the partitions.
 *
 * @throws Error that `isUnknownTopic` knows, or of an answer with gaps
 */
export async function readProgress(
  admin: Admin,
  topic: string,
  group: string | undefined,
): Promise<readonly PartitionProgress[]> {
  const partitions = await partitionsOf(admin, topic).catch((error: unknown) =>
    doubting(error, { admin, topic, group }),
  )
  const [earliest, next, committed] = await Promise.all([
    readOffsets(admin, { topic, partitions, timestamp: earliestTimestamp }),
    readOffsets(admin, { topic, partitions, timestamp: latestTimestamp }),
    group === undefined
      ? new Map(partitions.map((one) => [one, -1]))
      : readCommitted(admin, { topic, partitions, group }),
  ])
  return partitions.map((partition) => ({
    partition,
    earliestOffset: told(earliest, partition),
    nextOffset: told(next, partition),
    // Kafka says -1 of a partition of which nothing was committed.
    committedOffset: told(committed, partition) < 0 ? undefined : told(committed, partition),
  }))
}

interface DoubtedTopic {
  readonly admin: Admin
  readonly topic: string
  readonly group: string | undefined
}

/** A topic that is not there is believed only where its group has committed nothing there: brokers do not hear of a topic all at once. */
async function doubting(error: unknown, { admin, topic, group }: DoubtedTopic): Promise<never> {
  if (!isUnknownTopic(error) || group === undefined) throw error
  const [found] = await admin.listConsumerGroupOffsets({ groups: [group], requireStable: true })
  const own = found?.topics.find(({ name }) => name === topic)?.partitions ?? []
  if (own.some(({ committedOffset }) => committedOffset >= 0n)) throw notKnownYet(topic, group)
  throw error
}

/** What was said of a partition. One that was left out is not known: any number would be a guess at what is done with. */
function told(offsets: ReadonlyMap<number, number>, partition: number): number {
  const offset = offsets.get(partition)
  if (offset === undefined) throw new Error(`a broker left out partition ${partition} that it was asked for`)
  return offset
}

/** How long the cluster keeps records of a topic. @throws Error with what is wrong with it */
export async function readRetention(admin: Admin, topic: string): Promise<TopicRetention> {
  const resource = { resourceType: topicResource, resourceName: topic, configurationKeys: [...retentionSettings] }
  const [described] = await admin.describeConfigs({ resources: [resource] })
  return toRetention(new Map(described?.configs.map(({ name, value }) => [name, value])))
}

/** @see Kafka protocol guide, DescribeConfigs */
const topicResource = 2 as const

/** Where each partition of a topic is to be read from, in order of the partitions. */
export async function readStart(admin: Admin, topic: string, start: ConsumerStart): Promise<readonly number[]> {
  const partitions = await partitionsOf(admin, topic)
  const timestamp = typeof start === 'object' ? BigInt(start.startAt) : timestamps[start]
  const offsetsAt = (wanted: bigint) => readOffsets(admin, { topic, partitions, timestamp: wanted, isolationLevel: 1 })
  const found = await offsetsAt(timestamp)
  // Kafka says -1 where no record is as young.
  const isFound = (partition: number) => told(found, partition) >= 0
  const ends = partitions.every(isFound) ? found : await offsetsAt(latestTimestamp)
  return partitions.map((partition) => told(isFound(partition) ? found : ends, partition))
}

/** Without tries: a topic that was never created would be asked for over and over. */
async function partitionsOf(admin: Admin, topic: string): Promise<readonly number[]> {
  const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: 0 })
  return Array.from({ length: topics.get(topic)?.partitionsCount ?? 0 }, (_, index) => index)
}

interface WantedOffsets {
  readonly topic: string
  readonly partitions: readonly number[]
  readonly timestamp: bigint
  /** Whether all records count, or those that readers may see. @see Kafka protocol guide: isolation level @defaultValue 0 */
  readonly isolationLevel?: 0 | 1
}

async function readOffsets(
  admin: Admin,
  { topic, partitions, timestamp, isolationLevel = 0 }: WantedOffsets,
): Promise<ReadonlyMap<number, number>> {
  const wanted = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }))
  const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: wanted }], isolationLevel })
  return new Map(listed?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
}

async function readCommitted(
  admin: Admin,
  { topic, partitions, group }: { topic: string; partitions: readonly number[]; group: string },
): Promise<ReadonlyMap<number, number>> {
  const topics = [{ name: topic, partitionIndexes: [...partitions] }]
  // Stable: otherwise a coordinator that has just taken over says what its replicas had confirmed by then, which may be nothing.
  const [found] = await admin.listConsumerGroupOffsets({ groups: [{ groupId: group, topics }], requireStable: true })
  const offsets = found?.topics.find(({ name }) => name === topic)?.partitions ?? []
  return new Map(offsets.map((one) => [one.partitionIndex, Number(one.committedOffset)] as const))
}

/** @see Kafka protocol guide, ListOffsets */
const earliestTimestamp = -2n
const latestTimestamp = -1n
const timestamps = { earliest: earliestTimestamp, latest: latestTimestamp } as const
