import { randomUUID } from 'node:crypto'
import type { ReceivedRecord } from '../../../queue-driver.ts'
import { type ParkedName, readParked, type RetryRecord } from '../write/parked-message.ts'
import { type Era, isLater, Takeovers } from './takeovers.ts'

/** What becomes of a record of a retry topic: `counts`: one that is passed over is there twice, or its message comes again from the source. */
export type RecordVerdict = 'counts' | 'passed'

/** A record as it is judged. */
export interface JudgedRecord extends ParkedName {
  readonly kind: RetryRecord['kind']
  /** In the retry topic. */
  readonly offset: number
  /** Of its message in the source, or of the takeover. */
  readonly sourceOffset: number
  /** In the retry topic: what its owner had read when it began. Not of a message. */
  readonly untilOffset?: number
  /** In the retry topic: which records have their outcome. */
  readonly doneOffsets?: readonly number[]
  /** Whether it is a message that failed. */
  readonly hasFailed?: boolean
}

/**
 * Tells which records of a retry topic count. An owner is done with a message in the source only once it is stored here; so of what
 * others wrote only that counts which lies before the source's commit, and the source brings the rest again. What an owner sent twice
 * counts once.
 */
export class CountedRecords {
  /** The source's committed offset when the assignment began. */
  readonly committedOffset: number
  readonly owner: string
  readonly #writers = new Map<string, Writer>()
  /** Of those that were there at the assignment. */
  readonly #candidates = new Map<number, Candidate>()
  /** Until all of those are known. */
  #takeovers = new Takeovers()
  /** Which of them a message is, by its offset in the source. */
  readonly #bySource = new Map<number, number>()
  #loadedEnd = 0

  constructor({ owner, committedOffset }: Pick<CountedRecords, 'owner' | 'committedOffset'>) {
    this.owner = owner
    this.committedOffset = committedOffset
  }

  /** A record that is done with: what repeats it does not count. */
  skip(record: ParkedName): void {
    this.#isNew(record)
  }

  /** A record that was there at the assignment, in order of their offsets. */
  load(record: JudgedRecord): void {
    this.#loadedEnd = record.offset + 1
    const { kind, owner, offset, sourceOffset, untilOffset = 0, doneOffsets = [] } = record
    const era = { owner, offset, untilOffset }
    const isNew = this.#isNew(record)
    if (kind === 'message' && isNew) this.#choose(record)
    if (kind === 'done') for (const doneOffset of doneOffsets) this.#tellDone(doneOffset, era)
    if (kind === 'takeover') this.#takeovers.add({ ...era, fromOffset: sourceOffset })
  }

  /**
   * Ends loading: true when some of it counts, or does not and no later owner could tell: then the log has to say that it was taken
   * over, and up to where.
   */
  endLoading(): boolean {
    this.#drop((record, offset) => this.#isLeft(offset, record))
    const hasStrays = this.#drop(({ sourceOffset }) => sourceOffset >= this.committedOffset)
    this.#drop(({ done = [] }) => done.some((word) => !this.#takeovers.isTakenOver(word)))
    this.#takeovers = new Takeovers()
    return hasStrays || this.#candidates.size > 0
  }

  /** A message of the source is done with: what was loaded of it need not be told from what comes of it. */
  release(sourceOffset: number): void {
    this.#bySource.delete(sourceOffset)
  }

  /** What was loaded before an offset, and was not judged, does not come any more. */
  pass(nextOffset: number): void {
    for (const [offset, { sourceOffset }] of this.#candidates) {
      if (offset >= nextOffset) return
      this.#candidates.delete(offset)
      this.#bySource.delete(sourceOffset)
    }
  }

  /** What becomes of a record that is read, which may be one that was loaded. In order of their offsets. */
  judge(record: JudgedRecord): RecordVerdict {
    if (record.offset < this.#loadedEnd) return this.#candidates.delete(record.offset) ? 'counts' : 'passed'
    if (!this.#isNew(record) || record.kind !== 'message') return 'passed'
    if (record.owner === this.owner) return 'counts'
    const isDue = record.sourceOffset < this.committedOffset && !this.#bySource.has(record.sourceOffset)
    return isDue ? 'counts' : 'passed'
  }

  /** The offsets of what was loaded, counts, and was not judged yet. */
  get loaded(): Iterable<number> {
    return this.#candidates.keys()
  }

  /** Two owners may have set the same message aside, while one did not know of the other: what the later one wrote is in its order. */
  #choose({ offset, owner, sourceOffset }: JudgedRecord): void {
    const other = this.#bySource.get(sourceOffset) ?? -1
    const rival = this.#candidates.get(other)
    const isDue = rival !== undefined && !this.#isLeft(other, rival)
    if (isDue && isLater(rival.writer.owner, owner)) return
    this.#candidates.delete(other)
    this.#candidates.set(offset, { writer: this.#writerOf(owner), sourceOffset })
    this.#bySource.set(sourceOffset, offset)
  }

  /** Whether an owner since has left it to the source. */
  #isLeft(offset: number, { writer, sourceOffset }: Candidate): boolean {
    return this.#takeovers.leftToSource(offset, { owner: writer.owner, sourceOffset })
  }

  #tellDone(offset: number, word: Era): void {
    const candidate = this.#candidates.get(offset)
    if (candidate) (candidate.done ??= []).push(word)
  }

  #isNew({ owner, sequence }: ParkedName): boolean {
    const writer = this.#writerOf(owner)
    if (sequence <= writer.lastSequence) return false
    writer.lastSequence = sequence
    return true
  }

  #writerOf(owner: string): Writer {
    const writer = this.#writers.get(owner) ?? { owner, lastSequence: 0 }
    this.#writers.set(owner, writer)
    return writer
  }

  #drop(isDropped: (record: Candidate, at: number) => boolean): boolean {
    const countBefore = this.#candidates.size
    for (const [offset, record] of this.#candidates) {
      if (!isDropped(record, offset)) continue
      this.#candidates.delete(offset)
      this.#bySource.delete(record.sourceOffset)
    }
    return this.#candidates.size < countBefore
  }
}

/** Whoever wrote records, once for all of them. */
interface Writer {
  readonly owner: string
  lastSequence: number
}

interface Candidate {
  readonly writer: Writer
  readonly sourceOffset: number
  /** Who said that it has its outcome. */
  done?: Era[]
}

/** What is judged of a record of a retry topic; undefined for one that no owner wrote. */
export function toJudged(record: ReceivedRecord, sourceTopic: string): JudgedRecord | undefined {
  const parked = readParked(record, sourceTopic)
  if (parked === undefined) return undefined
  const { kind, owner, sequence } = parked
  const judged = { kind, owner, sequence, offset: record.offset }
  if (parked.kind === 'message')
    return { ...judged, sourceOffset: parked.source.offset, hasFailed: parked.history !== undefined }
  const { untilOffset } = parked
  if (parked.kind === 'takeover') return { ...judged, sourceOffset: parked.fromOffset, untilOffset }
  return { ...judged, sourceOffset: 0, untilOffset, doneOffsets: parked.offsets }
}

/** Names an assignment that begins with a committed offset at a time, so that later ones can be told from earlier ones. */
export function ownerName(committedOffset: number, beganAt: number): string {
  return [committedOffset, Math.trunc(beganAt), randomUUID()].join('.')
}
