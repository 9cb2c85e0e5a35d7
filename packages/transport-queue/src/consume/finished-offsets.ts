/** Which messages of a partition are done with: only what lies before the first that is not may be committed. */
export class FinishedOffsets {
  /** In their order, finished or not, from the first that is not finished on. */
  #open: Open[] = []
  #head = 0
  readonly #byOffset = new Map<number, Open>()

  /** How many messages were begun since the oldest that is not finished, itself included. */
  get openCount(): number {
    return this.#open.length - this.#head
  }

  /** When the oldest message that is not finished was produced, in epoch milliseconds; undefined without one. */
  get oldestAt(): number | undefined {
    return this.#open[this.#head]?.timestampAt
  }

  /** Offsets come in rising order, not always without gaps. */
  begin({ offset, timestampAt }: Pick<Open, 'offset' | 'timestampAt'>): void {
    const open = { offset, timestampAt, isFinished: false }
    this.#open.push(open)
    this.#byOffset.set(offset, open)
  }

  /** The offset before which all is done with now; undefined when that has not changed. */
  finish(offset: number): number | undefined {
    const finished = this.#byOffset.get(offset)
    if (finished === undefined) return undefined
    finished.isFinished = true
    this.#byOffset.delete(offset)
    let last: number | undefined
    for (let first = this.#open[this.#head]; first?.isFinished; first = this.#open[++this.#head]) last = first.offset
    this.#forget()
    return last === undefined ? undefined : last + 1
  }

  /** Cuts what is done with, not one by one, for that would copy the rest each time. */
  #forget(): void {
    if (this.#head < forgottenAtOnceCount && this.#head < this.#open.length) return
    this.#open = this.#open.slice(this.#head)
    this.#head = 0
  }
}

interface Open {
  readonly offset: number
  readonly timestampAt: number
  isFinished: boolean
}

const forgottenAtOnceCount = 1_000
