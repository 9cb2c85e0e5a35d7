import type { ParkedMessage, ParkedName, Takeover } from './parked-message.ts'

/** What becomes of a record of a retry topic: `counts`, or `passed`; `stray` when the source brings its message again. */
export type RecordVerdict = 'counts' | 'passed' | 'stray'

/** A record as it is judged. */
export type JudgedRecord = Pick<ParkedMessage | Takeover, 'kind' | 'owner' | 'sequence'> & {
  /** In the retry topic. */
  readonly offset: number
  /** Of its message in the source, or of the takeover. */
  readonly sourceOffset: number
}

/**
 * Tells which records of a retry topic count. An owner is done with a message in the source only once it is stored here; so of what
 * others wrote only that counts which lies before the source's commit, and the source brings the rest again. What an owner sent twice
 * counts once.
 */
export class CountedRecords {
  /** The source's committed offset when the assignment began. */
  readonly committedOffset: number
  readonly #owner: string
  readonly #lastSequences = new Map<string, number>()
  /** Of those that were there at the assignment. */
  readonly #candidates = new Map<number, Pick<JudgedRecord, 'owner' | 'sourceOffset'>>()
  #loadedEnd = 0

  constructor({ owner, committedOffset }: { readonly owner: string; readonly committedOffset: number }) {
    this.#owner = owner
    this.committedOffset = committedOffset
  }

  /** A record that is done with: what repeats it does not count. */
  skip(record: ParkedName): void {
    this.#isNew(record)
  }

  /** A record that was there at the assignment, in order of their offsets. */
  load(record: JudgedRecord): void {
    this.#loadedEnd = record.offset + 1
    const { kind, owner, sourceOffset } = record
    const isNew = this.#isNew(record)
    if (kind === 'takeover') this.#drop((other) => other.owner !== owner && other.sourceOffset >= sourceOffset)
    else if (isNew) this.#candidates.set(record.offset, { owner, sourceOffset })
  }

  /** Ends loading: true when some of it does not count, which has to be said in the log, for a later owner cannot tell. */
  endLoading(): boolean {
    return this.#drop(({ sourceOffset }) => sourceOffset >= this.committedOffset)
  }

  /** What becomes of a record that is read, which may be one that was loaded. In order of their offsets. */
  judge(record: JudgedRecord): RecordVerdict {
    if (record.offset < this.#loadedEnd) return this.#candidates.delete(record.offset) ? 'counts' : 'passed'
    if (!this.#isNew(record) || record.kind === 'takeover') return 'passed'
    if (record.owner === this.#owner) return 'counts'
    return record.sourceOffset < this.committedOffset ? 'counts' : 'stray'
  }

  /** The offsets of what was loaded, counts, and was not judged yet. */
  get loaded(): Iterable<number> {
    return this.#candidates.keys()
  }

  #isNew({ owner, sequence }: ParkedName): boolean {
    const last = this.#lastSequences.get(owner) ?? 0
    if (sequence <= last) return false
    this.#lastSequences.set(owner, sequence)
    return true
  }

  #drop(isDropped: (record: Pick<JudgedRecord, 'owner' | 'sourceOffset'>) => boolean): boolean {
    const dropped = [...this.#candidates].filter(([, record]) => isDropped(record))
    for (const [offset] of dropped) this.#candidates.delete(offset)
    return dropped.length > 0
  }
}
