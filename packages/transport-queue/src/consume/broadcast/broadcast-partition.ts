import { type Logger, ServiceError } from '@tenon/core/transport'
import { Ownership } from '../../driver/ownership.ts'
import type { AssignedPartition, QueueDriver, ReceivedRecord, RecordPlace } from '../../queue-driver.ts'
import type { QueueClock } from '../../wait.ts'

export interface BroadcastSurroundings {
  readonly driver: Pick<QueueDriver, 'follow' | 'offsetsAt'>
  readonly clock: QueueClock
  readonly log: Logger
  /** How long to wait before what could not be read is asked for again, one wait after the other. */
  delays(): Iterator<number, never>
}

/** A partition that every process reads by itself, as if it were assigned to it: it is never another's, and stores nothing. */
export class BroadcastPartition extends Ownership implements AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly #surroundings: BroadcastSurroundings
  readonly #startOffset: number
  #position: number
  #doneOffset: number
  #reading: AsyncIterator<readonly ReceivedRecord[]> | undefined
  #openedAt = 0
  #delays: Iterator<number, never> | undefined
  /** Whether it was not there when it was asked for last. */
  #isMissing = false
  #isAnother = false

  constructor({ topic, partition, fromOffset }: RecordPlace, surroundings: BroadcastSurroundings) {
    super()
    this.topic = topic
    this.partition = partition
    this.#surroundings = surroundings
    this.#startOffset = fromOffset
    this.#position = fromOffset
    this.#doneOffset = fromOffset
    this.revoked.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** All before it is done with in this process. */
  get doneOffset(): number {
    return this.#doneOffset
  }

  /** Whether it was given up because the topic is another one of the same name, which begins anew. */
  get isAnother(): boolean {
    return this.#isAnother
  }

  async startOffset(): Promise<number> {
    return this.#startOffset
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    while (!this.revoked.aborted) {
      const records = await this.#next()
      const last = records?.at(-1)
      if (records === undefined || last === undefined) continue
      this.#isBack()
      this.#position = last.offset + 1
      return records
    }
    return []
  }

  async commit(nextOffset: number): Promise<boolean> {
    this.#doneOffset = nextOffset
    return !this.lost.aborted
  }

  /** Nothing goes with it elsewhere. */
  async commitBeside(): Promise<boolean> {
    return false
  }

  /** Nobody takes what is left of a reading, which holds a connection. */
  #end(): void {
    // One that cannot be ended in good order has failed, which nobody waits for any more.
    void this.#reading?.return?.().catch(() => undefined)
  }

  /** Some records; undefined when it has to be tried again. @throws ServiceError for what no waiting mends */
  async #next(): Promise<readonly ReceivedRecord[] | undefined> {
    const { driver, clock } = this.#surroundings
    const from = { topic: this.topic, partition: this.partition, fromOffset: this.#position }
    if (this.#reading === undefined) this.#openedAt = clock.now()
    this.#reading ??= driver.follow(from, this.revoked)[Symbol.asyncIterator]()
    try {
      const step = await this.#reading.next()
      if (step.done !== true) return step.value
    } catch (error) {
      await this.#recover(error)
    }
    this.#reading = undefined
    return undefined
  }

  async #recover(error: unknown): Promise<void> {
    if (this.revoked.aborted) return
    if (!ServiceError.is(error)) throw error
    if (error.code === 'out_of_range') return this.#reposition()
    if (error.code !== 'not_found') throw error
    // Of a quiet topic nothing else tells that it has been there meanwhile.
    if (this.#surroundings.clock.now() - this.#openedAt >= answeredAfterMs) this.#isBack()
    this.#tellMissing(error)
    await this.#pause()
  }

  #isBack(): void {
    this.#delays = undefined
    this.#isMissing = false
  }

  /** A broker that has just started may not know of any topic, so nothing is given up for that: who is another one tells it by its end. */
  #tellMissing(error: ServiceError): void {
    const { topic, partition } = this
    const facts = { topic, partition, offset: this.#position, err: error }
    if (!this.#isMissing)
      this.#surroundings.log.warn(facts, 'a topic is not there; waits for it, and goes on where it stood')
    this.#isMissing = true
  }

  /** Goes on at the oldest record: that it stood at is gone, or the topic is another one of the same name, and shorter. */
  async #reposition(): Promise<void> {
    try {
      const [earliestOffset, endOffset] = await Promise.all([this.#offsetAt('earliest'), this.#offsetAt('latest')])
      if (earliestOffset > this.#position) this.#skipTo(earliestOffset)
      else if (endOffset < this.#position)
        this.#endAll('a topic is another one than before; it is read from its beginning')
    } catch {
      // The broker is away, and reading asks it again.
    }
    await this.#pause()
  }

  async #offsetAt(start: 'earliest' | 'latest'): Promise<number> {
    const offsets = await this.#surroundings.driver.offsetsAt(this.topic, start)
    return offsets[this.partition] ?? this.#position
  }

  #skipTo(earliestOffset: number): void {
    const { topic, partition } = this
    const facts = { topic, partition, offset: this.#position, missedCount: earliestOffset - this.#position }
    this.#surroundings.log.warn(facts, 'messages were gone before they were read; goes on at the oldest that is kept')
    this.#position = earliestOffset
  }

  /** Another partition takes the place of this one: offsets begin anew. */
  #endAll(text: string): void {
    const { topic, partition } = this
    if (this.#position > 0) this.#surroundings.log.warn({ topic, partition, offset: this.#position }, text)
    this.#isAnother = true
    this.revoke()
  }

  async #pause(): Promise<void> {
    this.#delays ??= this.#surroundings.delays()
    await this.#surroundings.clock.wait(this.#delays.next().value, this.revoked)
  }
}

/** A reading that has lasted for so long was answered in between: one of what is not there ends within seconds. A guess. */
const answeredAfterMs = 60_000
