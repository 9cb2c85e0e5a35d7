import type { ClusterMetadata } from '@platformatic/kafka'
import type { PlatformaticClient, RequestAnswer, RequestRoute, RequestValues } from './platformatic-client.ts'
import { responseOf } from './platformatic-error.ts'
import type { TopicPartitions } from './platformatic-offsets.ts'

/** From where on records of a partition are wanted. */
export interface FetchPosition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface FetchRequest {
  readonly positions: readonly FetchPosition[]
  /** How long a broker without records waits for some. */
  readonly waitMs: number
  readonly cluster: ClusterMetadata | undefined
}

export type FetchedPartition = RequestAnswer<'Fetch'>['responses'][number]['partitions'][number]

/** One request for the records of several partitions that one broker leads. @throws Error that `fetchedDespite` may know more of */
export async function fetchRecords(
  client: PlatformaticClient,
  route: RequestRoute,
  { positions, waitMs, cluster }: FetchRequest,
): Promise<RequestAnswer<'Fetch'>> {
  const areNamed = (await client.versionOf('Fetch')) <= lastVersionWithNames
  const topics = Array.from(
    Map.groupBy(positions, ({ topic }) => topic),
    ([topic, ofTopic]) => ({
      topicId: areNamed ? topic : (cluster?.topics.get(topic)?.id ?? topic),
      partitions: ofTopic.map(({ partition, offset }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: offset,
        lastFetchedEpoch: -1,
        partitionMaxBytes,
      })),
    }),
  )
  // Without a session, which would belong to one connection.
  const values: RequestValues<'Fetch'> = [waitMs, 1, maxAnswerBytes, readCommittedLevel, 0, -1, topics, [], '']
  return client.request('Fetch', route, values)
}

/** What was answered though something was wrong: that of one partition comes with the records of the others. */
export function fetchedDespite(error: unknown): RequestAnswer<'Fetch'> | undefined {
  const answer = responseOf(error)
  return isFetchResponse(answer) ? answer : undefined
}

export interface WantedOffsets {
  readonly wanted: readonly TopicPartitions[]
  readonly timestamp: bigint
  /** @defaultValue what readers may see */
  readonly isolation?: number
}

/** The offsets at a timestamp that has a meaning, by `topic/partition`, of partitions that one broker leads. @throws Error of the library */
export async function listOffsets(
  client: PlatformaticClient,
  route: RequestRoute,
  { wanted, timestamp, isolation = readCommittedLevel }: WantedOffsets,
): Promise<ReadonlyMap<string, bigint>> {
  const topics = wanted.map(({ topic, partitions }) => ({
    name: topic,
    partitions: partitions.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
  }))
  const answer = await client.request('ListOffsets', route, [-1, isolation, topics])
  return new Map(
    answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => [`${name}/${partitionIndex}`, offset] as const),
    ),
  )
}

/** The oldest record that is kept, and behind the last that readers may see. @see Kafka protocol guide, ListOffsets */
export const earliestTimestamp = -2n
export const latestTimestamp = -1n
/** @see Kafka protocol guide, error codes */
export const offsetOutOfRangeCode = 1

/** How long an answer may take, with the time that a broker waits for records. A guess. */
export const answerTimeoutMs = 10_000

/** @see Kafka consumer settings fetch.max.bytes and max.partition.fetch.bytes; the first is a guess */
const maxAnswerBytes = 10_485_760
const partitionMaxBytes = 1_048_576
/** @see Kafka protocol guide: isolation level, Fetch */
const readCommittedLevel = 1
export const readUncommittedLevel = 0
const lastVersionWithNames = 12

function isFetchResponse(answer: unknown): answer is RequestAnswer<'Fetch'> {
  return typeof answer === 'object' && answer !== null && Array.isArray(Reflect.get(answer, 'responses'))
}
