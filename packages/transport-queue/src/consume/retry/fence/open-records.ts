import type { KeyFence } from './key-fence.ts'

/** A record that was read back and counts. */
export interface FetchedRecord {
  /** In the retry topic, and of its message in the source. */
  readonly offset: number
  readonly sourceOffset: number
  /** In the fence; undefined for a message that has no order. */
  readonly place: number | undefined
  /** Whether its message failed before it was set aside. */
  readonly hasFailed: boolean
  /** When it was stored in the retry topic, in epoch milliseconds. */
  readonly storedAt: number
  /** Which of its owner's it is, where that is this one. */
  readonly sequence: number | undefined
}

/**
 * What was set aside in one partition and is not done with: written or found at the assignment, read back, handled, and then
 * committed or told. The fence of a key is up from the first to the last.
 */
export class OpenRecords {
  readonly #fence: KeyFence
  readonly #settled: (sourceOffset: number) => void
  /** Of those that were there at the assignment and were not read back: their places, by offset. */
  readonly #loaded = new Map<number, number | undefined>()
  /** Of those that this owner wrote and were not read back, by sequence. */
  readonly #written = new Map<number, WrittenRecord>()
  /** Of those that were read back, by offset in their order. */
  readonly #fetched = new Map<number, OpenRecord>()
  /** The same, from the first on that may have no outcome. */
  #inOrder: OpenRecord[] = []
  #head = 0
  /** Which of them have their outcome. */
  readonly #handled = new Set<number>()
  readonly #unhandled = new Map<number, PlaceState>()
  #unhandledCount = 0
  /** How many are stored and were not read back. */
  #unfetchedCount = 0

  /** Tells of each message that is done with, by its offset in the source. */
  constructor(fence: KeyFence, settled: (sourceOffset: number) => void = () => undefined) {
    this.#fence = fence
    this.#settled = settled
  }

  /** How many have no outcome. */
  get unhandledCount(): number {
    return this.#unhandledCount
  }

  /** At how many places. */
  get unhandledPlaceCount(): number {
    return this.#unhandled.size
  }

  /** Whether there are some to be read back. */
  get isBehind(): boolean {
    return this.#unfetchedCount > 0
  }

  /** Whether all is done with, and that is committed or told. */
  get isEmpty(): boolean {
    return this.#unhandledCount === 0 && this.#fetched.size === 0
  }

  /** One that was there at the assignment; in order of their offsets. */
  load(offset: number, place: number | undefined): void {
    this.#loaded.set(offset, place)
    this.#unfetchedCount += 1
    this.#raise({ place, hasFailed: true })
  }

  /** One that is being written. Resolves when it was read back: then it is stored, whether or not that was answered. */
  write(sequence: number, { place, hasFailed }: Pick<FetchedRecord, 'place' | 'hasFailed'>): Promise<'stored'> {
    const { promise, resolve } = Promise.withResolvers<'stored'>()
    this.#written.set(sequence, { place, hasFailed, isStored: false, fetched: () => resolve('stored') })
    this.#raise({ place, hasFailed })
    return promise
  }

  /** It is stored. */
  stored(sequence: number): void {
    const written = this.#written.get(sequence)
    // It may have been read back before its answer came.
    if (written === undefined) return
    written.isStored = true
    this.#unfetchedCount += 1
  }

  /** It is not stored. */
  withdraw(sequence: number): void {
    const written = this.#written.get(sequence)
    if (written) this.#forget(this.#written, sequence, written)
  }

  /** One that was read back; in order of their offsets. What should have come before it does not come any more: how many those are. */
  fetch(record: FetchedRecord): number {
    const { offset, sequence = 0, place } = record
    const open = { ...record, isBegun: false, isHandled: false }
    this.#fetched.set(offset, open)
    this.#inOrder.push(open)
    // Before it is taken from those that were not read back, so that the fence does not fall in between.
    this.#raise(open)
    const state = place === undefined ? undefined : this.#unhandled.get(place)
    if (state) (state.fetched ??= new Set()).add(open)
    const goneCount = this.passLoaded(offset) + this.passWritten(sequence - 1)
    this.#readBack(sequence)
    if (this.#loaded.has(offset)) this.passLoaded(offset + 1)
    return goneCount
  }

  /** What was there at the assignment before an offset, and was not read back, does not come any more: how many those are. */
  passLoaded(nextOffset: number): number {
    const countBefore = this.#loaded.size
    for (const [offset, place] of this.#loaded) {
      if (offset >= nextOffset) break
      this.#unfetchedCount -= 1
      this.#forget(this.#loaded, offset, { place, hasFailed: true })
    }
    return countBefore - this.#loaded.size
  }

  /** The same of what this owner wrote and knows to be stored, up to a sequence. */
  passWritten(lastSequence: number): number {
    const countBefore = this.#written.size
    for (const [sequence, { isStored }] of this.#written) {
      if (sequence > lastSequence) break
      if (isStored) this.#readBack(sequence)
    }
    return countBefore - this.#written.size
  }

  /** How many this owner wrote, knows to be stored, and did not read back. */
  get storedCount(): number {
    return this.#unfetchedCount - this.#loaded.size
  }

  /** The last that this owner wrote, knows to be stored, and did not read back; 0 for none. */
  get lastStored(): number {
    let last = 0
    for (const [sequence, { isStored }] of this.#written) if (isStored) last = sequence
    return last
  }

  /** Whether one was read back. */
  isKnown(offset: number): boolean {
    return this.#fetched.has(offset)
  }

  /** Whether one that was read back counts, has no outcome, and was not begun. */
  isUnbegun(offset: number): boolean {
    const record = this.#fetched.get(offset)
    return record !== undefined && !record.isBegun && !record.isHandled
  }

  /** It was begun. */
  begin(offset: number): void {
    const record = this.#fetched.get(offset)
    if (record) record.isBegun = true
  }

  /** It was not begun after all: it is read once more. */
  putBack(offset: number): void {
    const record = this.#fetched.get(offset)
    if (record) record.isBegun = false
  }

  /** What was put back between two offsets does not come any more: how many those are. */
  passPutBack(fromOffset: number, nextOffset: number): number {
    if (fromOffset >= nextOffset) return 0
    const gone: number[] = []
    for (const { offset, isBegun } of this.#fetched.values()) {
      if (offset >= nextOffset) break
      if (offset >= fromOffset && !isBegun) gone.push(offset)
    }
    for (const offset of gone) this.handled(offset)
    this.done(gone)
    return gone.length
  }

  /** It has its outcome. The place where no other has none any more, if so. */
  handled(offset: number): number | undefined {
    const record = this.#fetched.get(offset)
    if (record === undefined || record.isHandled) return undefined
    record.isHandled = true
    this.#handled.add(offset)
    this.#settle(record)
    const { place } = record
    if (place === undefined) return undefined
    this.#unhandled.get(place)?.fetched?.delete(record)
    return this.hasUnhandled(place) ? undefined : place
  }

  /** Whether some at a place have no outcome. */
  hasUnhandled(place: number): boolean {
    return this.#unhandled.has(place)
  }

  /** Whether some at a place wait for an attempt, so that it takes a while until all have their outcome. */
  isStuck(place: number, waiting: ReadonlyMap<number, unknown>): boolean {
    const state = this.#unhandled.get(place)
    if (state === undefined) return false
    const [first] = state.fetched ?? []
    return state.failedCount > 0 || (first !== undefined && waiting.has(first.sourceOffset))
  }

  /** When the first was stored that has no outcome and is meant by its offset in the source; undefined without one. */
  oldestStoredAt(isMeant: (sourceOffset: number) => boolean): number | undefined {
    for (const { isHandled, sourceOffset, storedAt } of this.#fetched.values())
      if (!isHandled && isMeant(sourceOffset)) return storedAt
    return undefined
  }

  /** Where the first lies that was read back and has no outcome; undefined without one. */
  get firstOffset(): number | undefined {
    while (this.#inOrder[this.#head]?.isHandled === true) this.#head += 1
    if (this.#head >= forgottenAtOnceCount) {
      this.#inOrder = this.#inOrder.slice(this.#head)
      this.#head = 0
    }
    return this.#inOrder[this.#head]?.offset
  }

  /** The first of those that have their outcome behind one that has none: no commit says so. */
  handledBehind(mostCount: number): readonly number[] {
    const { firstOffset = Number.POSITIVE_INFINITY } = this
    const behind = [...this.#handled].filter((offset) => offset > firstOffset)
    return behind.toSorted((one, other) => one - other).slice(0, mostCount)
  }

  /** All before the offset are committed. */
  committed(nextOffset: number): void {
    for (const offset of this.#fetched.keys()) {
      if (offset >= nextOffset) return
      this.done([offset])
    }
  }

  /** It is stored that these have their outcome. */
  done(offsets: readonly number[]): void {
    for (const offset of offsets) {
      const record = this.#fetched.get(offset)
      if (record === undefined) continue
      this.#fetched.delete(offset)
      this.#handled.delete(offset)
      this.#fence.lower(record.place)
      this.#settled(record.sourceOffset)
    }
  }

  #readBack(sequence: number): void {
    const written = this.#written.get(sequence)
    if (written === undefined) return
    if (written.isStored) this.#unfetchedCount -= 1
    written.fetched()
    this.#forget(this.#written, sequence, written)
  }

  #raise({ place, hasFailed }: Pick<FetchedRecord, 'place' | 'hasFailed'>): void {
    this.#fence.raise(place)
    this.#unhandledCount += 1
    if (place === undefined) return
    const state = this.#unhandled.get(place) ?? { count: 0, failedCount: 0, fetched: undefined }
    state.count += 1
    if (hasFailed) state.failedCount += 1
    this.#unhandled.set(place, state)
  }

  #settle({ place, hasFailed }: Pick<FetchedRecord, 'place' | 'hasFailed'>): void {
    this.#unhandledCount -= 1
    const state = place === undefined ? undefined : this.#unhandled.get(place)
    if (place === undefined || state === undefined) return
    state.count -= 1
    if (hasFailed) state.failedCount -= 1
    if (state.count === 0) this.#unhandled.delete(place)
  }

  #forget(known: Map<number, unknown>, name: number, record: Pick<FetchedRecord, 'place' | 'hasFailed'>): void {
    known.delete(name)
    this.#settle(record)
    this.#fence.lower(record.place)
  }
}

interface OpenRecord extends FetchedRecord {
  isBegun: boolean
  isHandled: boolean
}

interface WrittenRecord extends Pick<FetchedRecord, 'place' | 'hasFailed'> {
  isStored: boolean
  fetched(): void
}

/** What has no outcome at a place of the fence. */
interface PlaceState {
  count: number
  /** How many of them failed, or may have. */
  failedCount: number
  /** Those that were read back, once there are some: of most places there are none at a time. */
  fetched: Set<OpenRecord> | undefined
}

const forgottenAtOnceCount = 1_000
