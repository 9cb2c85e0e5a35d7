import { randomUUID } from 'node:crypto'
import type { ReceivedRecord } from '../../queue-driver.ts'
import { type ParkedMessage, type ParkedName, readParked, type Takeover } from './parked-message.ts'

/** What becomes of a record of a retry topic: `counts`: one that is passed over is there twice, or its message comes again from the source. */
export type RecordVerdict = 'counts' | 'passed'

/** A record as it is judged. */
export type JudgedRecord = Pick<ParkedMessage | Takeover, 'kind' | 'owner' | 'sequence'> & {
  /** In the retry topic. */
  readonly offset: number
  /** Of its message in the source, or of the takeover. */
  readonly sourceOffset: number
  /** Of a takeover, in the retry topic. */
  readonly untilOffset?: number
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
  readonly #lastSequences = new Map<string, number>()
  /** Of those that were there at the assignment. */
  readonly #candidates = new Map<number, Pick<JudgedRecord, 'owner' | 'sourceOffset'>>()
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
    const { kind, owner, sourceOffset, untilOffset = 0 } = record
    const isNew = this.#isNew(record)
    if (kind === 'takeover')
      this.#drop((other, at) => at < untilOffset && other.owner !== owner && other.sourceOffset >= sourceOffset)
    else if (isNew) this.#choose(record)
  }

  /** Ends loading: true when some of it does not count, which has to be said in the log, for a later owner cannot tell. */
  endLoading(): boolean {
    return this.#drop(({ sourceOffset }) => sourceOffset >= this.committedOffset)
  }

  /** What becomes of a record that is read, which may be one that was loaded. In order of their offsets. */
  judge(record: JudgedRecord): RecordVerdict {
    if (record.offset < this.#loadedEnd) return this.#candidates.delete(record.offset) ? 'counts' : 'passed'
    if (!this.#isNew(record) || record.kind === 'takeover') return 'passed'
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
    if (rival !== undefined && isLater(rival.owner, owner)) return
    this.#candidates.delete(other)
    this.#candidates.set(offset, { owner, sourceOffset })
    this.#bySource.set(sourceOffset, offset)
  }

  #isNew({ owner, sequence }: ParkedName): boolean {
    const last = this.#lastSequences.get(owner) ?? 0
    if (sequence <= last) return false
    this.#lastSequences.set(owner, sequence)
    return true
  }

  #drop(isDropped: (record: Pick<JudgedRecord, 'owner' | 'sourceOffset'>, at: number) => boolean): boolean {
    const dropped = [...this.#candidates].filter(([offset, record]) => isDropped(record, offset))
    for (const [offset, { sourceOffset }] of dropped) {
      this.#candidates.delete(offset)
      this.#bySource.delete(sourceOffset)
    }
    return dropped.length > 0
  }
}

/** What is judged of a record of a retry topic; undefined for one that no owner wrote. */
export function toJudged(record: ReceivedRecord, sourceTopic: string): JudgedRecord | undefined {
  const parked = readParked(record, sourceTopic)
  if (parked === undefined) return undefined
  const { kind, owner, sequence } = parked
  const judged = { kind, owner, sequence, offset: record.offset }
  if (parked.kind === 'message') return { ...judged, sourceOffset: parked.source.offset }
  return { ...judged, sourceOffset: parked.fromOffset, untilOffset: parked.untilOffset }
}

/** Names an assignment that begins with a committed offset at a time, so that later ones can be told from earlier ones. */
export function ownerName(committedOffset: number, beganAt: number): string {
  return [committedOffset, Math.trunc(beganAt), randomUUID()].join('.')
}

/** Whether one owner began after another: commits never go back, and clocks are nearly the same. */
function isLater(owner: string, other: string): boolean {
  const [committed = 0, beganAt = 0] = owner.split('.').map(Number)
  const [otherCommitted = 0, otherBeganAt = 0] = other.split('.').map(Number)
  return committed === otherCommitted ? beganAt > otherBeganAt : committed > otherCommitted
}
