import type { ReceivedRecord } from '../../queue-driver.ts'

/** Which messages of a partition are done with, and which of those are committed: only what lies before the first that is not done may be. */
export class FinishedOffsets {
  /** In their order, done with or not, from some that are committed on. */
  #begun: OpenOffset[] = []
  /** Where the first is that is not committed, and the first that is not done with. */
  #committedCount = 0
  #doneCount = 0
  #finishedCount = 0

  /** How many messages were begun since the last that is committed: what comes again if the process dies now. */
  get uncommittedCount(): number {
    return this.#begun.length - this.#committedCount
  }

  /** How many of those could be committed. */
  get committableCount(): number {
    return this.#doneCount - this.#committedCount
  }

  /** How many are done with behind one that is not. */
  get aheadCount(): number {
    return this.#finishedCount - this.#doneCount
  }

  /** When the oldest message that is not done with was produced, in epoch milliseconds; undefined without one. */
  get oldestAt(): number | undefined {
    return this.#begun[this.#doneCount]?.timestampAt
  }

  /** That message itself. */
  get oldest(): OpenOffset | undefined {
    return this.#begun[this.#doneCount]
  }

  /** Offsets come in rising order, not always without gaps. Give what this returns to `finish`. */
  begin({ offset, timestampAt }: Pick<ReceivedRecord, 'offset' | 'timestampAt'>, takenAt = 0): OpenOffset {
    const begun = { offset, timestampAt, takenAt, isFinished: false }
    this.#begun.push(begun)
    return begun
  }

  /** The offset before which all is done with now; undefined when that has not changed. */
  finish(begun: OpenOffset): number | undefined {
    begun.isFinished = true
    this.#finishedCount += 1
    let last: number | undefined
    for (let first = this.oldest; first?.isFinished; first = this.#begun[++this.#doneCount]) last = first.offset
    return last === undefined ? undefined : last + 1
  }

  /** All before the offset is committed. */
  commit(nextOffset: number): void {
    while (this.#committedCount < this.#doneCount && this.#isBefore(nextOffset)) this.#committedCount += 1
    this.#forget()
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
    this.#finishedCount -= this.#committedCount
    this.#committedCount = 0
  }
}

/** A message that was begun. It is not the message itself, which is let go of before it is committed. */
export interface OpenOffset {
  readonly offset: number
  /** When it was produced and when it was begun, in epoch milliseconds. */
  readonly timestampAt: number
  readonly takenAt: number
  /** Whether it is done with; kept by who keeps the offsets. */
  isFinished: boolean
}

const forgottenAtOnceCount = 1_000
