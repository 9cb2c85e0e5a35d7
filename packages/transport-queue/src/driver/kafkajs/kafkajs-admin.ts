import type { Admin } from 'kafkajs'
import type { PartitionProgress, TopicRetention, TopicToEnsure } from '../../queue-driver.ts'
import { wait } from '../../wait.ts'
import { notKnownYet, unknownTopic } from '../kafka/kafka-refusal.ts'
import { keptSettings, retentionSettings, toRetention } from '../kafka/kafka-retention.ts'
import { kafkaErrorType, reasonOf } from './kafkajs-mapping.ts'

/** Creates the topics that are missing. @throws Error as `describeTopicFailure` reads it. */
export async function createMissing(admin: Admin, topics: readonly TopicToEnsure[]): Promise<void> {
  const existing = new Set(await admin.listTopics())
  const missing = topics.filter(({ topic }) => !existing.has(topic))
  if (missing.length === 0) return
  await admin.createTopics({
    waitForLeaders: false,
    topics: missing.map((wanted) => ({
      topic: wanted.topic,
      // -1 leaves the number to the broker. @see KIP-464
      numPartitions: wanted.partitionCount ?? -1,
      replicationFactor: -1,
      configEntries: keptSettings(wanted),
    })),
  })
}

/** How long the cluster keeps records of a topic. @throws Error with Kafka's name for what is wrong with it */
export async function readRetention(admin: Admin, topic: string): Promise<TopicRetention> {
  const resource = { type: topicResource, name: topic, configNames: [...retentionSettings] }
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
  const entries = resources[0]?.configEntries ?? []
  return toRetention(new Map(entries.map(({ configName, configValue }) => [configName, configValue])))
}

/** @see Kafka protocol guide, DescribeConfigs */
const topicResource = 2

/** How many partitions a topic has. @throws Error with Kafka's name for what is wrong with it. */
export async function countPartitions(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0
  if (count === 0) throw new Error(`no broker knows the partitions of topic ${topic}`)
  return count
}

/** What the cluster knows of a topic and a group, in order of the partitions. */
export async function readProgress(
  admin: Admin,
  topic: string,
  group: string | undefined,
): Promise<readonly PartitionProgress[]> {
  const [ends, [committed]] = await Promise.all([
    fetchEnds(admin, topic),
    group === undefined ? [undefined] : admin.fetchOffsets({ groupId: group, topics: [topic] }),
  ]).catch((error: unknown) => doubting(error, { admin, topic, group }))
  const commits = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  return ends
    .map(({ partition, low, high }) => {
      // Nothing was committed by no group.
      const commit = group === undefined ? -1 : commits.get(partition)
      // Any number would be a guess at what is done with.
      if (commit === undefined) throw new Error(`a broker left out partition ${partition} that it was asked for`)
      return {
        partition,
        earliestOffset: Number(low),
        nextOffset: Number(high),
        // Kafka says -1 of a partition of which nothing was committed.
        committedOffset: commit < 0 ? undefined : commit,
      }
    })
    .toSorted((one, other) => one.partition - other.partition)
}

interface DoubtedTopic {
  readonly admin: Admin
  readonly topic: string
  readonly group: string | undefined
}

/** A topic that is not there is believed only where its group has committed nothing there: brokers do not hear of a topic all at once. */
async function doubting(error: unknown, { admin, topic, group }: DoubtedTopic): Promise<never> {
  if (kafkaErrorType(error) !== unknownTopic || group === undefined) throw error
  const commits = await admin.fetchOffsets({ groupId: group })
  const own = commits.find((one) => one.topic === topic)?.partitions ?? []
  if (own.some(({ offset }) => Number(offset) >= 0)) throw notKnownYet(topic, group)
  throw error
}

/** A broker that is to lead a partition, as of a topic that was just created, may not know yet. kafkajs gives up at once then. */
async function fetchEnds(admin: Admin, topic: string): ReturnType<Admin['fetchTopicOffsets']> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await admin.fetchTopicOffsets(topic)
    } catch (error) {
      if (attempt === attemptCount || !leaderless.has(kafkaErrorType(error))) throw error
    }
    await wait(retryMs * attempt, never)
  }
}

const leaderless: ReadonlySet<string> = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])
/** Guesses: a second and a half. */
const attemptCount = 6
const retryMs = 100
const never: AbortSignal = new AbortController().signal

/** What became of topics, in words. */
export function describeTopicFailure(error: unknown): string {
  const each: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'errors') : undefined
  if (!Array.isArray(each)) return `topics could not be created: ${reasonOf(error)}`
  const reasons = each.map((one: unknown) => `${String(Reflect.get(Object(one), 'topic'))}: ${reasonOf(one)}`)
  return `topics could not be created: ${reasons.join('; ')}`
}
