import type {
  Membership,
  PartitionProgress,
  ProduceBound,
  QueueDriver,
  QueueMember,
  RecordToSend,
  TopicToEnsure,
} from '../../queue-driver.ts'
import { unlessAborted } from '../../wait.ts'
import { notProduced } from '../produce-queue.ts'
import { Broker, type MemoryBroker, processBroker } from './memory-broker.ts'

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

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async connect(): Promise<void> {}

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    for (const topic of topics) this.#broker.ensureTopic(topic)
  }

  async produce(records: readonly RecordToSend[], { signal }: ProduceBound): Promise<void> {
    if (signal?.aborted) throw notProduced()
    this.#broker.append(records)
  }

  async describe(topic: string, group: string): Promise<readonly PartitionProgress[]> {
    return this.#broker.describe(topic, group)
  }

  async join(membership: Membership, signal: AbortSignal): Promise<QueueMember> {
    signal.throwIfAborted()
    const joining = this.#broker.group(membership.group).join(membership)
    const member = await unlessAborted(joining, signal)
    if (member) return member
    void joining.then((late) => late.leave(signal))
    throw signal.reason
  }

  async close(): Promise<void> {}
}
