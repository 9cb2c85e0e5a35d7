import { ServiceError } from '@tenon/core/transport'
import type { Broker, Cluster, KafkaMessage } from 'kafkajs'
import type { RecordPlace } from '../../queue-driver.ts'
import { type BatchFacts, hiddenBatches } from '../kafka/aborted-transactions.ts'
import { missingTopicPatienceMs, notReadable } from '../kafka/kafka-refusal.ts'
import type { FetchedPage, PartitionBounds, PartitionSource } from '../partition-reading.ts'
import { kafkaErrorType, toRecord } from './kafkajs-mapping.ts'

/** One partition of a cluster, to be read without a group. Whoever leads it is asked for again after every failure. */
export class KafkajsSource implements PartitionSource {
  readonly missingPatienceMs = missingTopicPatienceMs
  readonly #connect: () => Promise<Cluster>
  readonly #topic: string
  readonly #partition: number
  #cluster: Cluster | undefined
  #isStale = false

  /** @param connect Gives a connected cluster; asked again when that failed. */
  constructor(connect: () => Promise<Cluster>, { topic, partition }: RecordPlace) {
    this.#connect = connect
    this.#topic = topic
    this.#partition = partition
  }

  async bounds(): Promise<PartitionBounds> {
    return this.#asking(async (cluster) => {
      const [earliestOffset, endOffset] = await Promise.all([
        this.#offsetAt(cluster, { fromBeginning: true }),
        this.#offsetAt(cluster, { fromBeginning: false }),
      ])
      return { earliestOffset, endOffset }
    })
  }

  /** kafkajs asks for the end as readers see it only; an answer with records tells both. */
  storedOffset(): Promise<number> {
    return this.#asking(async (cluster) => {
      const endOffset = await this.#offsetAt(cluster, { fromBeginning: false })
      const fetched = await this.#fetchOnce(await this.#leader(cluster), endOffset, 0)
      return Math.max(endOffset, Number(fetched?.highWatermark ?? 0))
    })
  }

  async fetch(fromOffset: number): Promise<FetchedPage> {
    return this.#asking(async (cluster) => {
      const broker = await this.#leader(cluster)
      const fetched = await this.#fetchOnce(broker, fromOffset)
      if (fetched !== undefined) return this.#toPage(fetched, fromOffset)
      const earliestOffset = await this.#offsetAt(cluster, { fromBeginning: true })
      return { records: [], nextOffset: Math.max(fromOffset, earliestOffset), isOutOfRange: true }
    })
  }

  /** @throws ServiceError `not_found`, `permission_denied`; kafkajs's error for what another try may mend */
  async #asking<T>(ask: (cluster: Cluster) => Promise<T>): Promise<T> {
    try {
      this.#cluster ??= await this.#connect()
      await this.#cluster.addTargetTopic(this.#topic)
      if (this.#isStale) await this.#cluster.refreshMetadata()
      this.#isStale = false
      return await ask(this.#cluster)
    } catch (error) {
      this.#isStale = true
      throw notReadable(new Set([kafkaErrorType(error)]), this.#topic) ?? error
    }
  }

  async #leader(cluster: Cluster): Promise<Broker> {
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(this.#topic, [this.#partition]))
    if (nodeId === undefined) throw this.#notThere()
    return cluster.findBroker({ nodeId })
  }

  async #offsetAt(cluster: Cluster, place: { readonly fromBeginning: boolean }): Promise<number> {
    const wanted = { topic: this.#topic, partitions: [{ partition: this.#partition }], ...place }
    const [found] = await cluster.fetchTopicsOffset([wanted])
    const offset = found?.partitions.find(({ partition }) => partition === this.#partition)?.offset
    if (offset === undefined) throw this.#notThere()
    return Number(offset)
  }

  /** Undefined when there is nothing at the offset any more. */
  async #fetchOnce(broker: Broker, fromOffset: number, maxWaitTime = waitMs): Promise<FetchedPartition | undefined> {
    const place = { partition: this.#partition, fetchOffset: String(fromOffset), maxBytes: partitionMaxBytes }
    try {
      const answer = (await broker.fetch({
        isolationLevel: readCommittedLevel,
        maxWaitTime,
        minBytes: 1,
        topics: [{ topic: this.#topic, partitions: [place] }],
      })) as FetchAnswer
      return answer.responses[0]?.partitions[0] ?? nothing
    } catch (error) {
      if (kafkaErrorType(error) === 'OFFSET_OUT_OF_RANGE') return undefined
      throw error
    }
  }

  #toPage(fetched: FetchedPartition, fromOffset: number): FetchedPage {
    const { messages, abortedTransactions, highWatermark, lastStableOffset = highWatermark } = fetched
    const isHidden = hiddenBatches((abortedTransactions ?? []).map(toBigints))
    const records: KafkaMessage[] = []
    let nextOffset = fromOffset
    for (const [context, ofBatch] of Map.groupBy(messages, ({ batchContext }) => batchContext)) {
      const end = context ? Number(context.firstOffset) + context.lastOffsetDelta : Number(ofBatch.at(-1)?.offset)
      nextOffset = Math.max(nextOffset, end + 1)
      if (context && isHidden(factsOf(context))) continue
      records.push(...ofBatch.filter(({ offset }) => Number(offset) >= fromOffset))
    }
    // kafkajs leaves out batches without records, which compaction may leave behind; where one ends is not told. Behind the last stable
    // offset lies what is not decided yet.
    if (messages.length === 0 && Number(lastStableOffset) > fromOffset) nextOffset = fromOffset + 1
    const place = { topic: this.#topic, partition: this.#partition }
    return { records: records.map((message) => toRecord(place, message)), nextOffset }
  }

  #notThere(): ServiceError {
    return new ServiceError('not_found', `topic ${this.#topic} has no partition ${this.#partition}`)
  }
}

/** What kafkajs has read of an answer, which is not in its types. */
interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}

interface FetchedPartition {
  readonly highWatermark: string
  readonly lastStableOffset?: string
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[]
  readonly messages: readonly (KafkaMessage & { readonly batchContext?: BatchContext })[]
}

/** The same object for all messages of a batch. */
interface BatchContext {
  readonly firstOffset: string
  readonly lastOffsetDelta: number
  readonly producerId: string
  readonly inTransaction: boolean
  readonly isControlBatch: boolean
}

const nothing: FetchedPartition = { highWatermark: '0', messages: [] }

function toBigints({ producerId, firstOffset }: { readonly producerId: string; readonly firstOffset: string }) {
  return { producerId: BigInt(producerId), firstOffset: BigInt(firstOffset) }
}

function factsOf({
  firstOffset,
  lastOffsetDelta,
  producerId,
  inTransaction,
  isControlBatch,
}: BatchContext): BatchFacts {
  const lastOffset = BigInt(firstOffset) + BigInt(lastOffsetDelta)
  return { producerId: BigInt(producerId), lastOffset, isTransactional: inTransaction, isControl: isControlBatch }
}

/** @see Kafka consumer setting max.partition.fetch.bytes */
const partitionMaxBytes = 1_048_576
/** @see Kafka protocol guide: isolation level */
const readCommittedLevel = 1
/** A leader that has just taken over may not know yet what others have stored. kafkajs waits 100 ms longer for the answer. */
const waitMs = 5_000
