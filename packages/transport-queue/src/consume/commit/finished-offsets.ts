import {
  type BegunMessage,
  type MessageOffsets,
  type OffsetEnd,
  type OpenOffset,
  toOpenOffset,
} from './message-offsets.ts'

/** Which messages of a partition are done with, and which of those are committed: only what lies before the first that is not done may be. */
export class FinishedOffsets implements MessageOffsets {
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

  /** The oldest message that is not done with. */
  get oldest(): OpenOffset | undefined {
    return this.#begun[this.#doneCount]
  }

  /** The oldest that was begun and is not committed. */
  get uncommitted(): OpenOffset | undefined {
    return this.#begun[this.#committedCount]
  }

  /** Offsets come in rising order, not always without gaps. Give what this returns to `finish`. */
  begin(message: BegunMessage, takenAt = 0): OpenOffset {
    const begun = toOpenOffset(message, takenAt)
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
      nextOffset = first.offset + 1
    }
    return nextOffset
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

/** What one that is done with counts for. One behind another of its key that was set aside tells nothing. */
const aheadCounts = { handled: 1, 'set aside': -1, followed: 0 } as const satisfies Record<OffsetEnd, number>

const forgottenAtOnceCount = 1_000
