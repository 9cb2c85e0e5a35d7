import { type BegunMessage, type MessageOffsets, type OpenOffset, toOpenOffset } from './message-offsets.ts'

/**
 * Which messages that were read back of a retry topic are at work, or done with and not committed. They need not come in the order of their offsets,
 * for some are put back and come again: before which offset all is done with, is known to who keeps what is set aside.
 */
export class ReadBackOffsets implements MessageOffsets {
  readonly #endOf: () => number
  /** By offset, as they were begun. */
  readonly #begun = new Map<number, OpenOffset>()
  #end = 0

  /** Is told the offset before which all is done with. */
  constructor(endOf: () => number) {
    this.#endOf = endOf
  }

  get uncommittedCount(): number {
    return this.#begun.size
  }

  get committableCount(): number {
    return this.#finishedCount(({ offset }) => offset < this.#end)
  }

  get aheadCount(): number {
    return this.#finishedCount(({ offset }) => offset >= this.#end)
  }

  get oldest(): OpenOffset | undefined {
    for (const one of this.#begun.values()) if (!one.isFinished) return one
    return undefined
  }

  get uncommitted(): OpenOffset | undefined {
    const [first] = this.#begun.values()
    return first
  }

  begin(message: BegunMessage, takenAt = 0): OpenOffset {
    const begun = toOpenOffset(message, takenAt)
    this.#begun.set(begun.offset, begun)
    this.#end = Math.max(this.#end, this.#endOf())
    return begun
  }

  finish(begun: OpenOffset): number | undefined {
    begun.isFinished = true
    return this.#risen()
  }

  /** The offset before which all is done with now, if that has changed: some need nothing done. */
  pass(): number | undefined {
    return this.#risen()
  }

  /** These do not come again, though one before them is not done with: they need no commit any more. */
  drop(offsets: Iterable<number>): void {
    for (const offset of offsets) this.#begun.delete(offset)
  }

  /** One that was begun comes again, and was not handled. */
  putBack({ offset }: Pick<OpenOffset, 'offset'>): void {
    this.#begun.delete(offset)
  }

  commit(nextOffset: number): void {
    for (const { offset, isFinished } of this.#begun.values())
      if (isFinished && offset < nextOffset) this.#begun.delete(offset)
  }

  #finishedCount(isMeant: (one: OpenOffset) => boolean): number {
    let count = 0
    for (const one of this.#begun.values()) if (one.isFinished && isMeant(one)) count += 1
    return count
  }

  #risen(): number | undefined {
    const end = this.#endOf()
    if (end <= this.#end) return undefined
    this.#end = end
    return end
  }
}
