import type { MessageOrder } from '@tenon/core/transport'
import type { AssignedPartition } from '../queue-driver.ts'
import { type LoopSurroundings, PartitionLoop } from './consume-loop.ts'
import { endablePartition } from './endable-partition.ts'
import { HaltedMessages } from './halted-messages.ts'
import type { GroupedConsumer } from './plan/consumer-plan.ts'
import { AsideAllowance } from './retry/aside-allowance.ts'
import { PartitionRetry } from './retry/partition-retry.ts'
import type { SharedProgress } from './retry/topic/shared-progress.ts'
import { ReadBackWatch } from './watch/read-back-watch.ts'
import type { WatchedLoop } from './watch/watched-loop.ts'

export interface PartitionSurroundings extends Omit<LoopSurroundings, 'retry' | 'halted' | 'allowance'> {
  readonly progress: SharedProgress
  /** Told when what was set aside is known, and the partition begins. */
  begun(): void
}

/** One assignment of a partition: its messages, and those of them that were set aside. */
export class PartitionConsumer {
  readonly partition: AssignedPartition
  readonly loop: PartitionLoop
  /** What is looked at whether it moves: the loop, and that over what was set aside. Either may take the places that the other needs. */
  readonly watched: readonly WatchedLoop[]
  readonly #retry: PartitionRetry
  readonly #retryLoop: PartitionLoop
  readonly #allowance: AsideAllowance
  readonly #order: MessageOrder
  readonly #begun: () => void

  constructor(given: AssignedPartition, consumer: GroupedConsumer, surroundings: PartitionSurroundings) {
    const { settings, log, progress, begun } = surroundings
    const { partition, end } = endablePartition(given)
    const fail = (error: unknown) => {
      end()
      surroundings.fail(error)
    }
    const ownLog = log.child({ topic: partition.topic, partition: partition.partition, group: consumer.group })
    this.partition = partition
    this.#begun = begun
    this.#order = consumer.settings.retry.order
    this.#retry = new PartitionRetry({ source: partition, consumer, settings, log: ownLog, progress })
    const retry = this.#retry
    this.#allowance = new AsideAllowance(settings.maxUncommittedCount)
    const halted = new HaltedMessages()
    const allowance = this.#allowance
    const shared = { ...surroundings, retry, halted, allowance, fail }
    this.loop = new PartitionLoop(partition, consumer, shared)
    this.#retryLoop = new PartitionLoop(retry.partition, consumer, shared)
    retry.readBackBy(this.#retryLoop)
    this.watched = [this.loop, new ReadBackWatch(partition, this.#retryLoop)]
  }

  /** How many messages were set aside and have no outcome. */
  get parkedCount(): number {
    return this.#retry.parkedCount
  }

  /** What keeps its messages from being begun that a new process would not mend, in words; undefined when nothing does. */
  get hindrance(): string | undefined {
    return this.#retry.hindrance ?? this.loop.hindrance ?? this.#retryLoop.hindrance
  }

  /** How many messages are halted, set aside or not. */
  get haltedCount(): number {
    return this.loop.haltedCount
  }

  /** Gives attempts anew to those that are halted. How many there were. */
  retryHalted(): number {
    // What is halted is known to both, and each lets go on what waits there.
    return this.loop.retryHalted() + this.#retryLoop.retryHalted()
  }

  /** Settles when the partition was given up and nothing runs any more. Never rejects. */
  async run(): Promise<void> {
    if (!(await this.#retry.begin())) return
    this.#allowance.begin(this.#retry.parkedKeyCount)
    this.#begun()
    await Promise.all([this.#consume(), this.#retryLoop.run()])
  }

  /** From now on commits each outcome at once. */
  hasten(): void {
    this.loop.hasten()
    this.#retryLoop.hasten()
  }

  /** What was set aside comes before all others where later owners cannot be told of it, and, under another order, where a message holds up its partition. */
  async #consume(): Promise<void> {
    await this.#retry.untilTakenOver()
    if (this.#order === 'partition') await this.#retry.untilEmpty()
    await this.loop.run()
  }
}
