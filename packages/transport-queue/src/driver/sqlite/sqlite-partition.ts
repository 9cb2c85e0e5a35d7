import type { AssignedPartition, ReceivedRecord } from '../../queue-driver.ts'
import { wait } from '../../wait.ts'
import { Ownership } from '../ownership.ts'
import { isLocked, toQueueError } from '../sqlite-file/sqlite-error.ts'
import type { Claim, DoneOffset, Holding } from './sqlite-group.ts'
import type { SqliteQueue } from './sqlite-queue.ts'

export interface PartitionSurroundings {
  readonly queue: SqliteQueue
  readonly memberId: number
  commit(partition: SqlitePartition, done: DoneOffset): Promise<boolean>
}

/** A partition that a member owns. */
export class SqlitePartition extends Ownership implements AssignedPartition {
  readonly #claim: Claim
  readonly #surroundings: PartitionSurroundings
  #position: number
  /** Whether it is being given up already. */
  isLeaving = false

  constructor(claim: Claim, surroundings: PartitionSurroundings) {
    super()
    this.#claim = claim
    this.#surroundings = surroundings
    this.#position = claim.nextOffset
  }

  get topic(): string {
    return this.#claim.topic
  }

  get partition(): number {
    return this.#claim.partition
  }

  /** By which the file knows whose it is. */
  get holding(): Holding {
    const { logId, generation } = this.#claim
    return { logId, generation, memberId: this.#surroundings.memberId }
  }

  startOffset(): Promise<number> {
    return Promise.resolve(this.#claim.nextOffset)
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    const { queue } = this.#surroundings
    while (!this.revoked.aborted) {
      const records = this.#read()
      const last = records?.at(-1)
      if (records !== undefined && last !== undefined) {
        this.#position = last.offset + 1
        return records
      }
      if (records === undefined) await wait(lockedMs, this.revoked)
      else await queue.untilMore({ logId: this.#claim.logId, position: this.#position }, this.revoked)
    }
    return []
  }

  commit(nextOffset: number): Promise<boolean> {
    if (this.lost.aborted) return Promise.resolve(false)
    return this.#surroundings.commit(this, { logId: this.#claim.logId, nextOffset })
  }

  async commitBeside(topic: string, nextOffset: number): Promise<boolean> {
    if (this.lost.aborted) return false
    return this.#surroundings.commit(this, { logId: this.#logIdBeside(topic), nextOffset })
  }

  /** @throws ServiceError `not_found`, `unavailable` while another process holds the file */
  #logIdBeside(topic: string): number {
    try {
      return this.#surroundings.queue.log.logIdOf(topic, this.partition)
    } catch (error) {
      throw toQueueError(error)
    }
  }

  /** Undefined while another process holds the file, which it does only to open, mend or close it. */
  #read(): readonly ReceivedRecord[] | undefined {
    try {
      return this.#surroundings.queue.log.read(this.#claim, this.#position)
    } catch (error) {
      if (isLocked(error)) return undefined
      throw error
    }
  }
}

/** A guess. */
const lockedMs = 5
