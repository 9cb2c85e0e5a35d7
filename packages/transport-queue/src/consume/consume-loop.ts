import type { Logger } from '@tenon/core/transport'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { unlessAborted } from '../wait.ts'
import { CommitProgress } from './commit-progress.ts'
import type { TopicConsumer } from './consumer-plan.ts'
import { FinishedOffsets } from './finished-offsets.ts'
import { KeyLanes } from './key-lanes.ts'
import { MessageSettler } from './message-settler.ts'
import type { Slots } from './slots.ts'

export interface LoopSurroundings {
  readonly settings: QueueSettings
  readonly log: Logger
  /** Shared by all partitions of the consumer. */
  readonly slots: Slots
}

/**
 * Handles the messages of a partition until it is given up: those of a key one after another, those of different keys side by
 * side. A message that fails holds up its key and no other. Only what lies before the oldest message without an outcome is
 * committed, so that nothing is lost whenever the process ends.
 */
export class PartitionLoop {
  readonly #partition: AssignedPartition
  readonly #maxUncommittedCount: number
  readonly #settler: MessageSettler
  readonly #progress: CommitProgress
  readonly #offsets = new FinishedOffsets()
  readonly #lanes = new KeyLanes((record) => this.#handle(record))
  /** Told when the oldest message has its outcome. */
  #moved = Promise.withResolvers<void>()

  constructor(partition: AssignedPartition, consumer: TopicConsumer, { settings, log, slots }: LoopSurroundings) {
    const ownLog = log.child({ topic: partition.topic, partition: partition.partition, group: consumer.group })
    this.#partition = partition
    this.#maxUncommittedCount = settings.maxUncommittedCount
    this.#settler = new MessageSettler({ partition, consumer, settings, log: ownLog, slots })
    this.#progress = new CommitProgress(partition, {
      intervalMs: settings.commitIntervalMs,
      failed: (error) => ownLog.warn({ err: error }, 'a commit failed; it is tried again'),
      refused: (nextOffset) => ownLog.warn({ nextOffset }, 'a commit came too late; its messages are handled again'),
    })
  }

  /** When the oldest message without an outcome was produced, in epoch milliseconds; undefined when none waits here. */
  get oldestAt(): number | undefined {
    return this.#offsets.oldestAt
  }

  /** Settles when the partition was given up and nothing runs any more. */
  async run(): Promise<void> {
    while (!this.#isRevoked) {
      for (const record of await this.#partition.fetch()) this.#take(record)
      await this.#room()
    }
    // Now, because what still runs may take longer than it gets.
    this.#progress.hasten()
    await this.#lanes.settled()
    await this.#progress.flush()
  }

  /** From now on commits each outcome at once. */
  hasten(): void {
    this.#progress.hasten()
  }

  get #isRevoked(): boolean {
    return this.#partition.revoked.aborted
  }

  #take(record: ReceivedRecord): void {
    this.#offsets.begin(record)
    this.#lanes.add(record)
  }

  /** Waits while too much is ahead of the oldest message: all of it would come again if the process died. */
  async #room(): Promise<void> {
    while (this.#offsets.openCount >= this.#maxUncommittedCount && !this.#isRevoked) {
      this.#moved = Promise.withResolvers()
      await unlessAborted(this.#moved.promise, this.#partition.revoked)
    }
  }

  async #handle(record: ReceivedRecord): Promise<void> {
    if (this.#isRevoked || !(await this.#settler.settle(record))) return
    const nextOffset = this.#offsets.finish(record.offset)
    if (nextOffset === undefined) return
    this.#moved.resolve()
    const committed = this.#progress.advance(nextOffset)
    if (committed) await committed
  }
}
