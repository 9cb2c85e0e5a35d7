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
  /** Nothing of what is on its way to this topic, in its lanes or not, can be stored or is being sent. */
  gone(topic: string, error: ServiceError): void
}

/** What is pushed together of one topic. */
export interface TopicRecords {
  readonly records: readonly RecordToSend[]
  /** Called once for each partition that they go to, with its lane, where the part is forgotten. */
  toPart(records: readonly RecordToSend[], lane: ProduceLane): LanePart
  /** None of them can be sent. */
  failed(error: ServiceError): void
}

/**
 * Puts the records of one topic into a lane for each of its partitions. What happens to the topic holds up no other. Another number of
 * partitions is gone by when all is done with that went by the old one, for it changes the partitions of keys. A topic that is gone is
 * told when nothing of it is being sent any more, to all that is left in one order, so that whoever sends it again keeps the order.
 */
export class TopicLanes {
  readonly #topic: string
  readonly #way: TopicWay
  readonly #lanes = new Map<number, ProduceLane>()
  /** In their order, until it is known how many partitions there are. */
  readonly #unplaced = new Set<TopicRecords>()
  /** The number of partitions by which records are placed, and another that will be it once the lanes are empty. */
  #count: number | undefined
  #nextCount: number | undefined
  /** The question whose answer counts; what was asked before the topic was lost does not. */
  #question: object | undefined
  #askAgainAtMs = 0
  #lost: ServiceError | undefined
  #nextPartition = 0

  constructor(topic: string, way: TopicWay) {
    this.#topic = topic
    this.#way = way
  }

  /** By the number that is known, even if it is old: another is asked for meanwhile. */
  push(given: TopicRecords): void {
    if (this.#lost) return void this.#unplaced.add(given)
    const mayPlace = this.#count !== undefined && this.#nextCount === undefined
    if (mayPlace) this.#place(given, this.#count)
    else this.#unplaced.add(given)
    const isWanted = mayPlace ? performance.now() > this.#askAgainAtMs : this.#nextCount === undefined
    if (isWanted && this.#question === undefined) this.#ask()
  }

  /** They are not to be put into lanes any more. */
  forget(given: TopicRecords): void {
    this.#unplaced.delete(given)
  }

  #ask(): void {
    const question = {}
    this.#question = question
    let asking: readonly TopicRecords[] = []
    // With those that come before anything else can happen.
    queueMicrotask(() => (asking = [...this.#unplaced]))
    this.#way.partitionCountOf(this.#topic).then(
      (count) => this.#question === question && this.#answered(count),
      (cause: unknown) => this.#question === question && this.#notAnswered(cause, asking),
    )
  }

  #answered(count: number): void {
    this.#question = undefined
    this.#askAgainAtMs = performance.now() + partitionCountAgeMs
    if (count !== this.#count) this.#nextCount = count
    this.#goByNext()
  }

  /** Whoever came later waits for an answer of its own, with all its time. What goes by a number that is known does not care. */
  #notAnswered(cause: unknown, asking: readonly TopicRecords[]): void {
    this.#question = undefined
    this.#askAgainAtMs = performance.now() + askAgainMs
    if (this.#count !== undefined) return
    const error = ServiceError.is(cause) ? cause : new ServiceError('unavailable', 'no broker answered', { cause })
    if (error.code === 'not_found') return this.#lose(error)
    for (const given of asking) if (this.#unplaced.delete(given)) given.failed(error)
    if (this.#unplaced.size > 0 && this.#question === undefined) this.#ask()
  }

  #goByNext(): void {
    if (this.#nextCount === undefined || this.#isRunning) return
    const count = this.#nextCount
    this.#count = count
    this.#nextCount = undefined
    this.#lanes.clear()
    for (const given of this.#unplaced) {
      this.#unplaced.delete(given)
      this.#place(given, count)
    }
  }

  /** Sends nothing more to this topic until it is told that it is gone. */
  #lose(error: ServiceError): void {
    this.#lost ??= error
    this.#question = undefined
    for (const lane of this.#lanes.values()) lane.stop()
    this.#tellGone()
  }

  #tellGone(): void {
    const error = this.#lost
    if (error === undefined || this.#isRunning) return
    this.#lanes.clear()
    this.#count = undefined
    this.#nextCount = undefined
    this.#way.gone(this.#topic, error)
    // What comes before those that were told can do anything belongs behind them.
    setImmediate(() => {
      this.#way.gone(this.#topic, error)
      this.#lost = undefined
    })
  }

  get #isRunning(): boolean {
    return [...this.#lanes.values()].some(({ isRunning }) => isRunning)
  }

  #place(given: TopicRecords, count = 1): void {
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
      this.#lanes.get(partition) ??
      new ProduceLane(settings, {
        closing,
        send: (given, over) => this.#send(given, partition, over),
        lost: (error) => this.#lose(error),
        idle: () => (this.#lost ? this.#tellGone() : this.#goByNext()),
      })
    this.#lanes.set(partition, lane)
    return lane
  }

  async #send(records: readonly RecordToSend[], partition: number, over: AbortSignal): Promise<void> {
    try {
      await this.#way.send(records, { topic: this.#topic, partition }, over)
    } catch (error) {
      // Perhaps the topic has other partitions by now.
      if (!ServiceError.is(error) || error.code !== 'internal') this.#askAgainAtMs = 0
      throw error
    }
  }
}

/** How long a number of partitions is taken for right. @see Kafka producer setting metadata.max.age.ms */
const partitionCountAgeMs = 300_000
/** How long it is taken for right once more when nobody tells another. A guess. */
const askAgainMs = 10_000
