import type { ClusterMetadata, ConnectionPool } from '@platformatic/kafka'
import { ServiceError } from '@tenon/core/transport'
import type { RecordPlace } from '../../queue-driver.ts'
import { missingTopicPatienceMs, notReadable } from '../kafka/kafka-refusal.ts'
import type { FetchedPage, PartitionBounds, PartitionSource } from '../partition-reading.ts'
import type { PlatformaticClient, RequestRoute } from './platformatic-client.ts'
import { errorIds, isUnknownTopic } from './platformatic-error.ts'
import {
  answerTimeoutMs,
  earliestTimestamp,
  type FetchedPartition,
  fetchedDespite,
  fetchRecords,
  latestTimestamp,
  listOffsets,
  offsetOutOfRangeCode,
  readUncommittedLevel,
} from './platformatic-fetch.ts'
import { toRecords } from './platformatic-mapping.ts'

/** One partition of a cluster, to be read without a group. Whoever leads it is asked for again after every failure. */
export class PlatformaticSource implements PartitionSource {
  readonly missingPatienceMs = missingTopicPatienceMs
  readonly #client: PlatformaticClient
  readonly #pool: ConnectionPool
  readonly #topic: string
  readonly #partition: number
  #cluster: ClusterMetadata | undefined

  constructor(client: PlatformaticClient, { topic, partition }: RecordPlace) {
    this.#client = client
    this.#pool = client.openPool(answerTimeoutMs)
    this.#topic = topic
    this.#partition = partition
  }

  async bounds(): Promise<PartitionBounds> {
    return this.#asking(async (route) => {
      const [earliestOffset, endOffset] = await Promise.all([
        this.#offsetAt(route, earliestTimestamp),
        this.#offsetAt(route, latestTimestamp),
      ])
      return { earliestOffset, endOffset }
    })
  }

  storedOffset(): Promise<number> {
    return this.#asking((route) => this.#offsetAt(route, latestTimestamp, readUncommittedLevel))
  }

  async fetch(fromOffset: number): Promise<FetchedPage> {
    return this.#asking(async (route) => {
      const fetched = await this.#fetchOnce(route, BigInt(fromOffset))
      if (fetched?.errorCode === offsetOutOfRangeCode) {
        const earliestOffset = await this.#offsetAt(route, earliestTimestamp)
        return { records: [], nextOffset: Math.max(fromOffset, earliestOffset), isOutOfRange: true }
      }
      if (fetched === undefined) return { records: [], nextOffset: fromOffset }
      const { records, nextOffset } = toRecords(this.#topic, fetched, BigInt(fromOffset))
      return { records, nextOffset: Number(nextOffset) }
    })
  }

  /** @throws ServiceError `not_found`, `permission_denied`; Error of the library for what another try may mend */
  async #asking<T>(ask: (route: RequestRoute) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#route())
    } catch (error) {
      this.#cluster = undefined
      const names = errorIds(error)
      throw (
        notReadable(isUnknownTopic(error) ? new Set([...names, 'UNKNOWN_TOPIC_OR_PARTITION']) : names, this.#topic) ??
        error
      )
    }
  }

  async #route(): Promise<RequestRoute> {
    this.#cluster ??= await this.#client.metadata([this.#topic])
    const found = this.#cluster.topics.get(this.#topic)?.partitions[this.#partition]
    if (found === undefined)
      throw new ServiceError('not_found', `topic ${this.#topic} has no partition ${this.#partition}`)
    const broker = this.#cluster.brokers.get(found.leader)
    if (broker === undefined) throw new Error(`nobody leads partition ${this.#partition} of topic ${this.#topic}`)
    return { pool: this.#pool, broker, timeoutMs: answerTimeoutMs }
  }

  async #offsetAt(route: RequestRoute, timestamp: bigint, isolation?: number): Promise<number> {
    const wanted = [{ topic: this.#topic, partitions: [this.#partition] }]
    const offsets = await listOffsets(this.#client, route, {
      wanted,
      timestamp,
      ...(isolation !== undefined && { isolation }),
    })
    const offset = offsets.get(`${this.#topic}/${this.#partition}`)
    if (offset === undefined) throw new Error('a broker left out the partition that it was asked for')
    return Number(offset)
  }

  async #fetchOnce(route: RequestRoute, offset: bigint): Promise<FetchedPartition | undefined> {
    const positions = [{ topic: this.#topic, partition: this.#partition, offset }]
    try {
      const answer = await fetchRecords(this.#client, route, { positions, waitMs, cluster: this.#cluster })
      return answer.responses[0]?.partitions[0]
    } catch (error) {
      const fetched = fetchedDespite(error)?.responses[0]?.partitions[0]
      if (fetched?.errorCode === offsetOutOfRangeCode) return fetched
      throw error
    }
  }
}

/** A leader that has just taken over may not know yet what others have stored. */
const waitMs = 500
