/** Places of which only so many can be taken at a time; who waits longest is next. */
export class Slots {
  #freeCount: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#freeCount = count
  }

  /** Takes a place; false when the signal fires before one is free. Who took one gives it back by `release`. */
  async take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (this.#freeCount > 0) {
      this.#freeCount -= 1
      return true
    }
    return new Promise((resolve) => {
      const granted = () => {
        signal.removeEventListener('abort', gone)
        resolve(true)
      }
      const gone = () => {
        this.#waiting.delete(granted)
        resolve(false)
      }
      this.#waiting.add(granted)
      signal.addEventListener('abort', gone, { once: true })
    })
  }

  /** Hands the place to who waits longest. */
  release(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#freeCount += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
