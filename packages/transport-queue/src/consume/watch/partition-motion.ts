import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import type { QueueClock } from '../../wait.ts'

/** Whether a partition moves: noted as it happens, at the price of reading the clock for every message. */
export class PartitionMotion {
  readonly #clock: Pick<QueueClock, 'now'>
  #movedAt: number
  #nextOffset: number | undefined
  #isFetching = false

  constructor(clock: Pick<QueueClock, 'now'>) {
    this.#clock = clock
    this.#movedAt = clock.now()
  }

  /** When it was given to this process, gave messages last, or came to an outcome with one last; in epoch milliseconds. */
  get movedAt(): number {
    return this.#movedAt
  }

  /** Behind the last message that was fetched; undefined before the first. */
  get nextOffset(): number | undefined {
    return this.#nextOffset
  }

  /** Whether messages were asked for and have not come. */
  get isFetching(): boolean {
    return this.#isFetching
  }

  /** Asks the partition for messages. Rejects as it does. */
  async fetch(partition: AssignedPartition): Promise<readonly ReceivedRecord[]> {
    this.#isFetching = true
    const records = await partition.fetch()
    this.#isFetching = false
    const last = records.at(-1)
    if (last === undefined) return records
    this.#nextOffset = last.offset + 1
    this.#movedAt = this.#clock.now()
    return records
  }

  /** A message is done with. */
  outcome(): void {
    this.#movedAt = this.#clock.now()
  }
}
