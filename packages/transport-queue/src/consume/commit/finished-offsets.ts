import type { ReceivedRecord } from '../../queue-driver.ts'

/** Which messages of a partition are done with, and which of those are committed: only what lies before the first that is not done may be. */
export class FinishedOffsets {
  /** In their order, done with or not, from some that are committed on. */
  #begun: OpenOffset[] = []
  /** Where the first is that is not committed, and the first that is not done with. */
  #committedCount = 0
  #doneCount = 0
  #aheadCount = 0

  /** How many messages were begun since the last that is committed: what comes again if the process dies now. */
  get uncommittedCount(): number {
    return this.#begun.length - this.#committedCount
  }

  /** How many of those could be committed. */
  get committableCount(): number {
    return this.#doneCount - this.#committedCount
  }

  /** How many more were handled than failed and were set aside, behind one that is not done with. */
  get aheadCount(): number {
    return this.#aheadCount
  }

  /** When the oldest message that is not done with was produced, in epoch milliseconds; undefined without one. */
  get oldestAt(): number | undefined {
    return this.#begun[this.#doneCount]?.timestampAt
  }

  /** That message itself. */
  get oldest(): OpenOffset | undefined {
    return this.#begun[this.#doneCount]
  }

  /** The oldest that was begun and is not committed. */
  get uncommitted(): OpenOffset | undefined {
    return this.#begun[this.#committedCount]
  }

  /** Offsets come in rising order, not always without gaps. Give what this returns to `finish`. */
  begin({ offset, timestampAt, sourceOffset = offset }: BegunMessage, takenAt = 0): OpenOffset {
    const begun = {
      offset,
      sourceOffset,
      timestampAt,
      takenAt,
      nextOffset: offset + 1,
      aheadCount: 0,
      isFinished: false,
    }
    this.#begun.push(begun)
    return begun
  }

  /** The offset before which all is done with now; undefined when that has not changed. */
  finish(begun: OpenOffset, how: OffsetEnd = 'handled'): number | undefined {
    begun.isFinished = true
    this.#setAhead(begun, aheadCounts[how])
    let nextOffset: number | undefined
    for (let first = this.oldest; first?.isFinished; first = this.#begun[++this.#doneCount]) {
      this.#setAhead(first, 0)
      nextOffset = first.nextOffset
    }
    return nextOffset
  }

  /** One that needs nothing done, behind all that were begun. The offset before which all is done with now, if that has changed. */
  pass({ offset }: Pick<ReceivedRecord, 'offset'>): number | undefined {
    const last = this.#begun.at(-1)
    if (this.oldest === undefined || last === undefined) return offset + 1
    last.nextOffset = offset + 1
    return undefined
  }

  /** These do not come again, though one before them is not done with: they need no commit any more. */
  drop(offsets: ReadonlySet<number>): void {
    const kept = this.#begun.slice(0, this.#doneCount + 1)
    let last = kept.at(-1)
    for (const one of this.#begun.slice(kept.length)) {
      if (last !== undefined && one.isFinished && offsets.has(one.offset)) {
        last.nextOffset = one.nextOffset
        this.#setAhead(one, 0)
      } else {
        kept.push(one)
        last = one
      }
    }
    this.#begun = kept
  }

  /** All before the offset is committed. */
  commit(nextOffset: number): void {
    while (this.#committedCount < this.#doneCount && this.#isBefore(nextOffset)) this.#committedCount += 1
    this.#forget()
  }

  #setAhead(one: OpenOffset, aheadCount: number): void {
    this.#aheadCount += aheadCount - one.aheadCount
    one.aheadCount = aheadCount
  }

  #isBefore(nextOffset: number): boolean {
    const next = this.#begun[this.#committedCount]
    return next !== undefined && next.offset < nextOffset
  }

  /** Cuts what is committed, not one by one, for that would copy the rest each time. */
  #forget(): void {
    if (this.#committedCount < forgottenAtOnceCount && this.#committedCount < this.#begun.length) return
    this.#begun = this.#begun.slice(this.#committedCount)
    this.#doneCount -= this.#committedCount
    this.#committedCount = 0
  }
}

/** A message that begins. */
export interface BegunMessage extends Pick<ReceivedRecord, 'offset' | 'timestampAt'> {
  /** Where it lay before it was set aside. @defaultValue where it lies */
  readonly sourceOffset?: number
}

/** A message that was begun. It is not the message itself, which is let go of before it is committed. */
export interface OpenOffset {
  readonly offset: number
  /** Where it lay before it was set aside; the same for one that was not. */
  readonly sourceOffset: number
  /** When it was produced and when it was begun, in epoch milliseconds. */
  readonly timestampAt: number
  readonly takenAt: number
  /** The rest is kept by who keeps the offsets: where the next begins that is not done with by itself. */
  nextOffset: number
  /** What it counts for, behind one that is not done with. */
  aheadCount: number
  isFinished: boolean
}

/** How a message is done with. */
export type OffsetEnd = 'handled' | 'set aside' | 'followed'

/** What one that is done with counts for. One behind another of its key that was set aside tells nothing. */
const aheadCounts = { handled: 1, 'set aside': -1, followed: 0 } as const satisfies Record<OffsetEnd, number>

const forgottenAtOnceCount = 1_000
