/** Places of which only so many can be taken at a time; who waits longest is next. */
export class Slots {
  #freeCount: number
  readonly #waiting = new Set<Waiter>()
  readonly #watched = new WeakSet<AbortSignal>()

  constructor(count: number) {
    this.#freeCount = count
  }

  /** Takes a place at once, if one is free. */
  takeNow(): boolean {
    if (this.#freeCount === 0) return false
    this.#freeCount -= 1
    return true
  }

  /** Takes a place; false when the signal fires before one is free. Who took one gives it back by `release`. */
  take(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (this.takeNow()) return Promise.resolve(true)
    this.#watch(signal)
    return new Promise((resolve) => this.#waiting.add({ signal, resolve }))
  }

  /** Hands the place to who waits longest. */
  release(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#freeCount += 1
      return
    }
    this.#waiting.delete(next)
    next.resolve(true)
  }

  /** One listener for all that wait with the signal: a signal with a listener for each takes ever longer for one more. */
  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return
    this.#watched.add(signal)
    signal.addEventListener('abort', () => this.#giveUp(signal), { once: true })
  }

  #giveUp(signal: AbortSignal): void {
    for (const waiter of this.#waiting) {
      if (waiter.signal !== signal) continue
      this.#waiting.delete(waiter)
      waiter.resolve(false)
    }
  }
}

interface Waiter {
  readonly signal: AbortSignal
  resolve(isTaken: boolean): void
}
