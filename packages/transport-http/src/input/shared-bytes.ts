/** Memory that several share, each taking of it what there is. */
export class SharedBytes {
  #leftBytes: number
  readonly #waiting = new Set<() => void>()

  constructor(totalBytes: number) {
    this.#leftBytes = totalBytes
  }

  /** Below 0 where somebody had to take more than there was. */
  get leftBytes(): number {
    return this.#leftBytes
  }

  /** A negative number gives back. Whoever waits is told when there is some again. */
  take(bytes: number): void {
    const wasEmpty = this.#leftBytes <= 0
    this.#leftBytes -= bytes
    if (!wasEmpty || this.#leftBytes <= 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const tell of waiting) tell()
  }

  /** Calls once, when there is some again. */
  whenSome(tell: () => void): void {
    this.#waiting.add(tell)
  }

  off(tell: () => void): void {
    this.#waiting.delete(tell)
  }
}
