import { ServiceError } from '@tenon/core/transport'
import type { RecordToSend } from '../queue-driver.ts'
import { kafkaPartitionHash } from './kafka/kafka-partition.ts'
import { type LanePart, type LaneSettings, ProduceLane, type SendRecords } from './produce-lane.ts'

/** What a topic's records are sent through. */
export interface TopicWay {
  readonly settings: LaneSettings
  /** Fires when nothing is to wait for others any more. */
  readonly closing: AbortSignal
  readonly send: SendRecords
  /** Asked now and then. @throws ServiceError `not_found` for a topic that does not exist, else `unavailable` */
  partitionCountOf(topic: string): Promise<number>
}

/** What is pushed together of one topic. */
export interface TopicRecords {
  readonly records: readonly RecordToSend[]
  /** Called once for each partition that they go to, with its lane, where the part is forgotten. */
  toPart(records: readonly RecordToSend[], lane: ProduceLane): LanePart
  /** None of them can be sent. */
  failed(error: ServiceError): void
}

/** Puts the records of one topic into a lane for each of its partitions. What happens to the topic holds up no other. */
export class TopicLanes {
  readonly #topic: string
  readonly #way: TopicWay
  readonly #lanes = new Map<number, ProduceLane>()
  /** In their order, until it is known how many partitions there are. */
  readonly #unplaced = new Set<TopicRecords>()
  #partitionCount: number | undefined
  #isAsking = false
  #askedAtMs = 0
  #nextPartition = 0

  constructor(topic: string, way: TopicWay) {
    this.#topic = topic
    this.#way = way
  }

  push(given: TopicRecords): void {
    const isOld = performance.now() - this.#askedAtMs > partitionCountAgeMs
    if (this.#partitionCount !== undefined && !isOld && !this.#isAsking) return this.#place(given, this.#partitionCount)
    this.#unplaced.add(given)
    if (!this.#isAsking) void this.#ask()
  }

  /** They are not to be put into lanes any more. */
  forget(given: TopicRecords): void {
    this.#unplaced.delete(given)
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    try {
      const count = await this.#way.partitionCountOf(this.#topic)
      this.#partitionCount = count
      this.#askedAtMs = performance.now()
      for (const given of this.#takeUnplaced()) this.#place(given, count)
    } catch (cause) {
      const error = ServiceError.is(cause) ? cause : new ServiceError('unavailable', 'no broker answered', { cause })
      for (const given of this.#takeUnplaced()) given.failed(error)
    }
  }

  #takeUnplaced(): readonly TopicRecords[] {
    const unplaced = [...this.#unplaced]
    this.#unplaced.clear()
    this.#isAsking = false
    return unplaced
  }

  #place(given: TopicRecords, count: number): void {
    const byPartition = Map.groupBy(given.records, (record) => this.#partitionOf(record, count))
    for (const [partition, records] of byPartition) {
      const lane = this.#lane(partition)
      lane.push(given.toPart(records, lane))
    }
  }

  #partitionOf({ key, partition }: RecordToSend, count: number): number {
    if (partition !== undefined) return partition
    if (key) return kafkaPartitionHash(key) % count
    this.#nextPartition += 1
    return this.#nextPartition % count
  }

  #lane(partition: number): ProduceLane {
    const { settings, closing } = this.#way
    const lane =
      this.#lanes.get(partition) ?? new ProduceLane(settings, closing, (given) => this.#send(given, partition))
    this.#lanes.set(partition, lane)
    return lane
  }

  async #send(records: readonly RecordToSend[], partition: number): Promise<void> {
    try {
      await this.#way.send(records, { topic: this.#topic, partition })
    } catch (error) {
      if (ServiceError.is(error) && error.code === 'internal') throw error
      // Perhaps the topic has other partitions by now.
      this.#partitionCount = undefined
      throw error
    }
  }
}

/** How long a number of partitions is taken for right. @see Kafka producer setting metadata.max.age.ms */
const partitionCountAgeMs = 300_000
