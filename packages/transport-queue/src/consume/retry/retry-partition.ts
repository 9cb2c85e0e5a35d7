import { type Logger, ServiceError, unlessAborted } from '@tenon/core/transport'
import type { AssignedPartition, QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { ThinLines } from '../../thin-lines.ts'
import type { QueueClock } from '../../wait.ts'

export interface RetryPartitionSurroundings {
  /** That of the source. */
  readonly source: AssignedPartition
  readonly topic: string
  readonly driver: Pick<QueueDriver, 'read'>
  readonly clock: QueueClock
  readonly log: Logger
  readonly timeoutMs: number
  /** How long to wait before what could not be read is asked for again, one wait after the other. */
  delays(): Iterator<number, never>
  /** Whether there is something that was not fetched yet. */
  isBehind(): boolean
  /** Asked when a reading begins: an offset from which on there is something to be read again; undefined without one. */
  readAgain(): number | undefined
  /** Told that all was read to the end. */
  readAll(): void
  /** Told of a reading that found nothing from an offset on while there should be something. The oldest offset that is kept. @throws ServiceError */
  foundNothing(fromOffset: number): Promise<number>
  /** Told that the broker has no such topic, though something should be there; calls `restartAt` where it is gone. Never rejects. */
  missed(): Promise<void>
  /** In order of their offsets; nothing lies before the first, from an offset on. */
  fetched(records: readonly ReceivedRecord[], fromOffset: number): void
  committed(nextOffset: number): void
}

/**
 * The partition of a retry topic that belongs to one of the source, as if it were assigned. Nobody but its owner writes to it, so
 * it is read only when the owner knows that there is something. Where the topic is gone, what another of its name holds comes behind all
 * that lay in it: offsets never go back.
 */
export class RetryPartition implements AssignedPartition {
  readonly topic: string
  readonly partition: number
  readonly revoked: AbortSignal
  readonly lost: AbortSignal
  readonly #surroundings: RetryPartitionSurroundings
  readonly #lines: ThinLines
  #position = 0
  #baseOffset = 0
  /** Where it was never read. */
  #farthest = 0
  /** As far as is known to be stored, or was when it was given out. */
  #committedOffset = 0
  /** Of several commits at once any may be stored last, so there is one at a time. */
  #turn: Promise<unknown> | undefined
  #keeping: Promise<boolean> | undefined
  #reading: AsyncIterator<readonly ReceivedRecord[]> | undefined
  #delays: Iterator<number, never> | undefined
  /** Where the last reading began, and when. */
  #readFrom = 0
  #readAt = Number.NEGATIVE_INFINITY
  /** Whether there may be more than was there when reading began. */
  #hasMore = false
  /** Whether the last reading failed. */
  #hasFailed = false
  #need = Promise.withResolvers<void>()

  constructor(surroundings: RetryPartitionSurroundings) {
    const { source, topic } = surroundings
    this.topic = topic
    this.partition = source.partition
    this.revoked = source.revoked
    this.lost = source.lost
    this.#surroundings = surroundings
    this.#lines = new ThinLines(surroundings.clock)
    this.revoked.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** Where it is read on. */
  get position(): number {
    return this.#position
  }

  /** Before which all was read, even if some is read again. */
  get farthest(): number {
    return this.#farthest
  }

  /** Before which all was in a topic that is gone: by so much offsets here are more than in the topic. */
  get baseOffset(): number {
    return this.#baseOffset
  }

  /** Says where in the topic reading begins, before anything of it is fetched. */
  startAt(offset: number): void {
    this.#position = this.#baseOffset + offset
    this.#farthest = this.#position
    this.#committedOffset = this.#position
  }

  /** The topic is gone, with all that lay before an offset. */
  restartAt(offset: number): void {
    this.#baseOffset = offset
    this.startAt(0)
    this.#endReading()
  }

  /** There may be more to fetch. */
  wake(): void {
    this.#hasMore = true
    this.#need.resolve()
  }

  startOffset(): Promise<number> {
    return Promise.resolve(this.#position)
  }

  async fetch(): Promise<readonly ReceivedRecord[]> {
    while (!this.revoked.aborted) {
      const records = await this.#next()
      if (this.revoked.aborted) break
      const last = records?.at(-1)
      if (records !== undefined && last !== undefined) {
        this.#delays = undefined
        const fromOffset = this.#position
        this.#moveTo(last.offset + 1)
        this.#surroundings.fetched(records, fromOffset)
        return records
      }
    }
    return []
  }

  commit(nextOffset: number): Promise<boolean> {
    return this.#inTurn(async () => {
      const isStored = await this.#store(nextOffset)
      if (isStored) this.#committed(nextOffset)
      return isStored
    })
  }

  /** Stores the last commit anew. False when it is refused. @throws as `commitBeside` */
  async storeAnew(): Promise<boolean> {
    this.#keeping ??= this.#inTurn(() => this.commitBeside(this.topic, this.#committedOffset - this.#baseOffset))
    try {
      return await this.#keeping
    } finally {
      this.#keeping = undefined
    }
  }

  commitBeside(topic: string, nextOffset: number): Promise<boolean> {
    return this.#surroundings.source.commitBeside(topic, nextOffset)
  }

  /** What was in a topic that is gone needs no commit. */
  #store(nextOffset: number): Promise<boolean> {
    const offset = nextOffset - this.#baseOffset
    return offset > 0 ? this.commitBeside(this.topic, offset) : Promise.resolve(true)
  }

  /** Does work once nothing else is under way. */
  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    while (this.#turn !== undefined) await this.#turn
    const done = work()
    const turn = done.then(noop, noop)
    this.#turn = turn
    try {
      return await done
    } finally {
      this.#turn = undefined
    }
  }

  #committed(nextOffset: number): void {
    this.#committedOffset = Math.max(nextOffset, this.#baseOffset)
    this.#surroundings.committed(nextOffset)
  }

  /** Some records; undefined when it has to be tried again. */
  async #next(): Promise<readonly ReceivedRecord[] | undefined> {
    if (this.#reading === undefined && !(await this.#needed())) return undefined
    if (this.#reading === undefined) await this.#gather()
    if (this.revoked.aborted) return undefined
    const reading = (this.#reading ??= this.#read())
    try {
      const step = await reading.next()
      // It was of a topic that is gone.
      if (this.#reading !== reading) return undefined
      if (!step.done) return step.value.map((record) => this.#placed(record))
      if (this.#isBehind && this.#position === this.#readFrom) await this.#skipGone()
      if (this.#position >= this.#farthest) this.#surroundings.readAll()
    } catch (error) {
      await this.#failed(error)
    }
    this.#reading = undefined
    // What was stored can be read, at the latest when all of the broker knows.
    if (this.#hasFailed || this.#isBehind) await this.#pause()
    return undefined
  }

  /** What should be there may be gone by retention. @throws ServiceError */
  async #skipGone(): Promise<void> {
    const keptOffset = await unlessAborted(this.#surroundings.foundNothing(this.#position), this.revoked)
    this.#moveTo(Math.max(this.#position, keptOffset ?? 0))
  }

  #moveTo(offset: number): void {
    this.#position = offset
    this.#farthest = Math.max(this.#farthest, offset)
  }

  get #isBehind(): boolean {
    return this.#position < this.#farthest || this.#surroundings.isBehind()
  }

  /** Waits until there is something to read; false when it has to be looked at again. */
  async #needed(): Promise<boolean> {
    if (this.#hasMore || this.#hasFailed || this.#isBehind) return true
    await this.#need.promise
    this.#need = Promise.withResolvers()
    return false
  }

  /** Waits for what is stored in a moment: every reading asks first where the partition begins and ends. */
  async #gather(): Promise<void> {
    const { clock } = this.#surroundings
    const leftMs = this.#readAt + gatheredMs - clock.now()
    if (leftMs > 0) await clock.wait(Math.min(leftMs, gatheredMs), this.revoked)
    this.#readAt = clock.now()
  }

  /** Nobody takes what is left of a reading, which holds connections. */
  #end(): void {
    this.wake()
    this.#endReading()
  }

  #endReading(): void {
    // One that cannot be ended in good order has failed, which nobody waits for any more.
    void this.#reading?.return?.().catch(() => undefined)
    this.#reading = undefined
  }

  /** As it lies behind what was in topics that are gone. */
  #placed(record: ReceivedRecord): ReceivedRecord {
    if (this.#baseOffset === 0) return record
    const { topic, partition, key, value, headers, timestampAt } = record
    return { topic, partition, key, value, headers, timestampAt, offset: this.#baseOffset + record.offset }
  }

  #read(): AsyncIterator<readonly ReceivedRecord[]> {
    const { driver, timeoutMs, readAgain } = this.#surroundings
    this.#position = Math.max(this.#baseOffset, Math.min(this.#position, readAgain() ?? this.#position))
    this.#hasMore = false
    this.#hasFailed = false
    this.#readFrom = this.#position
    const range = { topic: this.topic, partition: this.partition, fromOffset: this.#position - this.#baseOffset }
    return driver.read(range, { timeoutMs, signal: this.revoked })[Symbol.asyncIterator]()
  }

  async #pause(): Promise<void> {
    const { clock } = this.#surroundings
    this.#delays ??= this.#surroundings.delays()
    await clock.wait(this.#delays.next().value, this.revoked)
  }

  /** What is left need not count, and has to be passed over all the same. */
  async #failed(error: unknown): Promise<void> {
    const text = 'a retry topic could not be read; it is tried again'
    const isMissing = ServiceError.is(error) && error.code === 'not_found'
    if (isMissing && this.#isBehind) await this.#surroundings.missed()
    if (isMissing && !this.#isBehind) return
    this.#hasFailed = true
    if (!this.revoked.aborted && this.#lines.isDue(text)) this.#surroundings.log.warn({ err: error }, text)
  }
}

const noop = () => undefined

/** What is stored within this time is read at once. A guess. */
const gatheredMs = 100
