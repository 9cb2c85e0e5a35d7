import { type ConsumerStart, ServiceError, unlessAborted } from '@tenon/core/transport'
import type {
  Membership,
  PartitionProgress,
  ProduceBound,
  QueueDriver,
  QueueMember,
  ReadBound,
  ReceivedRecord,
  RecordPlace,
  RecordRange,
  RecordToSend,
  TopicToEnsure,
} from '../../queue-driver.ts'
import { inTime } from '../in-time.ts'
import { followPartition } from '../partition-following.ts'
import { readPartition } from '../partition-reading.ts'
import { notProduced } from '../produce-queue.ts'
import { Broker, type MemoryBroker, processBroker } from './memory-broker.ts'
import { memorySource } from './memory-source.ts'

export interface MemoryDriverOptions {
  /** @defaultValue the broker that all services of this process share */
  readonly broker?: MemoryBroker
}

/** Messages within one process: partitions, groups and redelivery as on a real broker, but nothing survives the process. */
export function memoryDriver(options: MemoryDriverOptions = {}): QueueDriver {
  const broker = options.broker ?? processBroker()
  if (!(broker instanceof Broker)) throw new TypeError('expected a broker made by memoryBroker()')
  return new MemoryDriver(broker)
}

class MemoryDriver implements QueueDriver {
  readonly name = 'memory'
  readonly target = 'the memory broker'
  readonly isVolatile = true
  readonly #broker: Broker
  /** Requests that are not carried out at once follow one another. */
  #producing: Promise<void> | undefined

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async connect(): Promise<void> {}

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    for (const topic of topics) this.#broker.ensureTopic(topic)
  }

  async produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    if (bound.signal?.aborted) throw notProduced()
    if (this.#broker.requests.isIdeal && this.#producing === undefined) return this.#broker.append(records)
    const previous = this.#producing ?? Promise.resolve()
    const append = () => this.#broker.append(records)
    const turn = inTime(bound, async (over) => {
      await previous
      await this.#broker.requests.carryOut('produce', append, over)
    })
    this.#follow(turn.catch(() => undefined))
    await turn
  }

  async describe(topic: string, group?: string): Promise<readonly PartitionProgress[]> {
    this.#requireAnswer()
    return this.#broker.describe(topic, group)
  }

  async offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]> {
    this.#requireAnswer()
    return this.#broker.logs(topic).map((log) => log.offsetAt(start))
  }

  follow(from: RecordPlace, signal: AbortSignal): AsyncIterable<readonly ReceivedRecord[]> {
    return followPartition(memorySource(this.#broker, from), from, signal)
  }

  read(range: RecordRange, bound: ReadBound): AsyncIterable<readonly ReceivedRecord[]> {
    return readPartition(memorySource(this.#broker, range), range, bound)
  }

  async join(membership: Membership, signal: AbortSignal): Promise<QueueMember> {
    signal.throwIfAborted()
    const joining = this.#broker.group(membership.group).join(membership, this)
    const member = await unlessAborted(joining, signal)
    if (member) return member
    void joining.then((late) => late.leave(signal))
    throw signal.reason
  }

  async close(): Promise<void> {
    await this.#producing
  }

  /** @throws ServiceError `unavailable` */
  #requireAnswer(): void {
    if (this.#broker.requests.isStopped) throw new ServiceError('unavailable', 'the memory broker did not answer')
  }

  #follow(last: Promise<void>): void {
    this.#producing = last
    void last.then(() => {
      if (this.#producing === last) this.#producing = undefined
    })
  }
}
