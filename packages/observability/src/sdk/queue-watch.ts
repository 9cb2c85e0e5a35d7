/** Counts what waits in a queue of the SDK, which drops what does not fit and says so to nobody. */
export class QueueWatch {
  readonly #maxCount: number
  readonly #full: () => void
  #waitingCount = 0

  /** @param full Told of each thing that does not fit. */
  constructor(maxCount: number, full: () => void) {
    this.#maxCount = maxCount
    this.#full = full
  }

  /** One more comes. */
  enter(): void {
    if (this.#waitingCount >= this.#maxCount) this.#full()
    else this.#waitingCount += 1
  }

  /** A batch is taken out. */
  leave(count: number): void {
    this.#waitingCount = Math.max(0, this.#waitingCount - count)
  }
}
