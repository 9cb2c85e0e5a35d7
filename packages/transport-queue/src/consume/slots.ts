/** Places of which only so many can be taken at a time; who waits longest is next. */
export class Slots {
  #freeCount: number
  /** In their order, from the head on; those before have been served. */
  #waiting: Waiter[] = []
  #head = 0
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
    return new Promise((resolve) => this.#waiting.push({ signal, resolve, isGone: false }))
  }

  /** Hands the place to who waits longest. */
  release(): void {
    const next = this.#next()
    if (next) next.resolve(true)
    else this.#freeCount += 1
  }

  #next(): Waiter | undefined {
    while (this.#head < this.#waiting.length) {
      const waiter = this.#waiting[this.#head++]
      if (this.#head === forgottenAtOnceCount) this.#forget()
      if (waiter?.isGone === false) return waiter
    }
    if (this.#head > 0) this.#forget()
    return undefined
  }

  /** Cuts those that were served, not one by one, for that would copy the rest each time. */
  #forget(): void {
    this.#waiting = this.#waiting.slice(this.#head)
    this.#head = 0
  }

  /** One listener for all that wait with the signal: a signal with a listener for each takes ever longer for one more. */
  #watch(signal: AbortSignal): void {
    if (this.#watched.has(signal)) return
    this.#watched.add(signal)
    signal.addEventListener('abort', () => this.#giveUp(signal), { once: true })
  }

  #giveUp(signal: AbortSignal): void {
    for (const waiter of this.#waiting.slice(this.#head)) {
      if (waiter.signal !== signal) continue
      waiter.isGone = true
      waiter.resolve(false)
    }
  }
}

const forgottenAtOnceCount = 1_000

interface Waiter {
  readonly signal: AbortSignal
  /** Whether its signal has fired. */
  isGone: boolean
  resolve(isTaken: boolean): void
}
