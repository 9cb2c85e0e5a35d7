import { type ErrorCode, ServiceError, type Logger } from '@tenon/core/transport'
import { byteCountOf } from '../../../driver/record-size.ts'
import type { QueueDriver, RecordToSend } from '../../../queue-driver.ts'
import { ThinLines } from '../../../thin-lines.ts'
import type { QueueClock } from '../../../wait.ts'

/**
 * `refused`: the broker takes nothing now, for want of a right or of the topic. `unfit`: it never takes this record. `revoked`: the partition
 * was given up before the record was known to be stored.
 */
export type AppendOutcome = 'stored' | 'refused' | 'unfit' | 'revoked'

export interface WriterSurroundings {
  readonly driver: Pick<QueueDriver, 'produce'>
  readonly clock: QueueClock
  readonly log: Logger
  readonly timeoutMs: number
  /** Fires when nothing more is to be sent. What is under way then is waited for, so that nothing of it lands behind what the next owner has read. */
  readonly revoked: AbortSignal
  /** Fires when nobody may wait for that either, since another may own the partition already. */
  readonly lost: AbortSignal
  /** How long to wait before what could not be stored is sent again, one wait after the other. */
  delays(): Iterator<number, never>
  /** What has to be there before the first record. @throws ServiceError */
  prepare(): Promise<void>
  /** Told that the broker has no such topic; calls `restart` where it is gone. Never rejects. */
  missed(): Promise<void>
  /** Whether it may not be written, which is told elsewhere then. */
  isRefused(error: unknown): boolean
}

/** Makes the record with its sequence. */
export type MakeRecord = (sequence: number) => RecordToSend

/**
 * Appends to one partition of a retry topic, one request at a time and in the order in which it is asked. A request that failed
 * is sent again as it is, so sequences in the log rise but for those that are stored again.
 */
export class RetryWriter {
  readonly #surroundings: WriterSurroundings
  readonly #lines: ThinLines
  #waiting: Append[] = []
  #isWriting = false
  #isPrepared = false
  /** How many topics of the name there were. */
  #topicCount = 1
  #sequence = 0

  constructor(surroundings: WriterSurroundings) {
    this.#surroundings = surroundings
    this.#lines = new ThinLines(surroundings.clock)
  }

  /** Never rejects. */
  append(make: MakeRecord): Promise<AppendOutcome> {
    const { promise, resolve } = Promise.withResolvers<AppendOutcome>()
    const record = make((this.#sequence += 1))
    this.#waiting.push({ record, topicCount: this.#topicCount, tell: resolve })
    if (!this.#isWriting) void this.#write()
    return promise
  }

  /** The topic is gone: what was made for it is not stored, and what comes next is prepared anew. */
  restart(): void {
    this.#topicCount += 1
    this.#isPrepared = false
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      const batch = this.#takeBatch()
      const outcome = await this.#store(batch)
      if (outcome === 'unfit' && batch.length > 1) await this.#storeEach(batch)
      else for (const { tell } of batch) tell(outcome)
    }
    this.#isWriting = false
  }

  /** As many as go into one request: a record that is too large for that alone goes alone. */
  #takeBatch(): readonly Append[] {
    let byteCount = 0
    const isOver = ({ record }: Append) => (byteCount += byteCountOf(record) + overheadBytes) > mostBytesAtOnce
    const overAt = this.#waiting.slice(0, mostAtOnce).findIndex(isOver)
    return this.#waiting.splice(0, overAt < 0 ? mostAtOnce : Math.max(1, overAt))
  }

  /** One of them is unfit, and the others need not be. */
  async #storeEach(batch: readonly Append[]): Promise<void> {
    for (const append of batch) append.tell(await this.#store([append]))
  }

  async #store(batch: readonly Append[]): Promise<AppendOutcome> {
    const { revoked, clock } = this.#surroundings
    const delays = this.#surroundings.delays()
    // What may be stored already is not taken back: it is sent until that is certain. It is when a broker finds fault with the records, for it
    // looks at them before it stores any: one that it stored once it takes again. What else it refuses says nothing of an earlier request.
    for (let mayBeStored = false; !revoked.aborted; await clock.wait(delays.next().value, revoked)) {
      const answer = await this.#try(batch)
      // A word is about records of the topic that is gone, and what may be stored was stored there.
      if (answer !== 'stored' && this.#isOfGone(batch)) return 'refused'
      if (answer === 'stored' || answer === 'unfit') return answer
      if (answer === 'refused' && !mayBeStored) return answer
      mayBeStored ||= answer === 'unanswered'
    }
    return 'revoked'
  }

  async #try(batch: readonly Append[]): Promise<Answer> {
    const unready = this.#isPrepared || this.#isOfGone(batch) ? undefined : await this.#prepare()
    if (this.#surroundings.revoked.aborted) return 'unsent'
    return unready ?? (this.#isOfGone(batch) ? 'refused' : this.#send(batch))
  }

  #isOfGone(batch: readonly Append[]): boolean {
    return batch.some(({ topicCount }) => topicCount < this.#topicCount)
  }

  /** Why nothing can be sent yet; undefined when it can. */
  async #prepare(): Promise<'unsent' | 'refused' | undefined> {
    try {
      await this.#surroundings.prepare()
      this.#isPrepared = true
      return undefined
    } catch (error) {
      this.#tell(error)
      return codeOf(error) === 'unavailable' ? 'unsent' : 'refused'
    }
  }

  async #send(batch: readonly Append[]): Promise<Answer> {
    const { driver, timeoutMs, lost, missed } = this.#surroundings
    try {
      await driver.produce(
        batch.map(({ record }) => record),
        { timeoutMs, signal: lost },
      )
      return 'stored'
    } catch (error) {
      this.#tell(error)
      const code = codeOf(error)
      if (code === 'unavailable' || lost.aborted) return 'unanswered'
      if (code === 'not_found') await missed()
      return code === 'internal' ? 'unfit' : 'refused'
    }
  }

  #tell(error: unknown): void {
    const { revoked, log, isRefused } = this.#surroundings
    const text = 'a message could not be set aside in its retry topic'
    if (!isRefused(error) && !revoked.aborted && this.#lines.isDue(text)) log.warn({ err: error }, text)
  }
}

/** What became of one try. `unanswered`: they may be stored. `unsent`: they are not, and another try may do. */
type Answer = Exclude<AppendOutcome, 'revoked'> | 'unanswered' | 'unsent'

interface Append {
  readonly record: RecordToSend
  /** How many topics of the name there were when it was made. */
  readonly topicCount: number
  tell(outcome: AppendOutcome): void
}

function codeOf(error: unknown): ErrorCode | undefined {
  return ServiceError.is(error) ? error.code : undefined
}

/** After a refusal nothing is tried for so long. A guess. */
export const refusalRestMs = 5_000
/**
 * What brokers take at once if nobody set them otherwise, less what a request has besides. A record that is larger is for those that take more.
 *
 * @see Kafka broker setting message.max.bytes: 1,048,588
 */
const mostBytesAtOnce = 1_000_000
/** Of a record, for lengths and times; of each header some bytes more, which are few. A guess. */
const overheadBytes = 100
/** A guess. What is stored again is no more than that, so that a reader who looks back a while knows it. */
const mostAtOnce = 100
