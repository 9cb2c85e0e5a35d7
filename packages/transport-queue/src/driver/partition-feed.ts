import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import { Ownership } from './ownership.ts'

export interface FeedPlace {
  readonly topic: string
  readonly partition: number
  /** Stores the offset at the broker as long as the feed is not lost: of its own partition, or of that of another topic. */
  commit(feed: PartitionFeed, done: DoneOffset): Promise<boolean>
}

/** Up to where the partition of a topic is done with that has the number of the feed's own. */
export interface DoneOffset {
  readonly topic: string
  readonly nextOffset: number
}

/**
 * Turns a client library that pushes records into a partition that is asked for them. Holds a bounded number of records:
 * whoever pushes asks `hasRoom`, and learns from `whenRoom` when to go on.
 */
export class PartitionFeed extends Ownership implements AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly #commit: FeedPlace['commit']
  readonly #start = Promise.withResolvers<number | undefined>()
  #records: ReceivedRecord[] = []
  #wake: (() => void) | undefined
  #room: PromiseWithResolvers<void> | undefined

  constructor({ topic, partition, commit }: FeedPlace) {
    super()
    this.topic = topic
    this.partition = partition
    this.#commit = commit
    this.revoked.addEventListener('abort', () => this.#empty(), { once: true })
  }

  /** Whether more records may be pushed; always true once they would be dropped. */
  get hasRoom(): boolean {
    return this.#records.length < fullCount
  }

  /** Resolves when there is room. */
  whenRoom(): Promise<void> {
    if (this.hasRoom) return Promise.resolve()
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Adds records; drops them when the partition is being given up. */
  push(records: readonly ReceivedRecord[]): void {
    if (this.revoked.aborted) return
    this.#records = this.#records.length === 0 ? [...records] : this.#records.concat(records)
    this.#wake?.()
  }

  /** Says where reading begins. What is said first holds. */
  startAt(offset: number): void {
    this.#start.resolve(offset)
  }

  startOffset(): Promise<number | undefined> {
    return this.#start.promise
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    while (this.#records.length === 0 && !this.revoked.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const taken = this.#records
    this.#records = []
    this.#announceRoom()
    return taken
  }

  commit(nextOffset: number): Promise<boolean> {
    return this.commitBeside(this.topic, nextOffset)
  }

  commitBeside(topic: string, nextOffset: number): Promise<boolean> {
    if (this.lost.aborted) return Promise.resolve(false)
    return this.#commit(this, { topic, nextOffset })
  }

  #empty(): void {
    this.#start.resolve(undefined)
    this.#records = []
    this.#wake?.()
    this.#announceRoom()
  }

  #announceRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}

/** From here on nothing more is taken in; one fetch of the broker may go beyond it. A guess: some ms of fast handlers. */
const fullCount = 1_000
