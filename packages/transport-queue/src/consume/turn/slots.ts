/** Somebody who wants a place. */
export interface Waiter {
  /** Fires when the place is not wanted any more. */
  readonly signal: AbortSignal
  /** Here is a place; it is given back by `release`. */
  granted(): void
  /** The signal has fired before there was one. */
  refused?(): void
}

/** Places of which only so many can be taken at a time; who waits longest is next. */
export class Slots {
  #freeCount: number
  /** In their order, from the head on; those before have been served. */
  #waiting: Waiter[] = []
  #head = 0
  readonly #watched = new WeakSet<AbortSignal>()
  #isHeld = false

  constructor(count: number) {
    this.#freeCount = count
  }

  /** Whether none is free. */
  get areTaken(): boolean {
    return this.#freeCount === 0
  }

  /** Whether none is given, however many are free. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Gives none until `resume`. Safe to call twice, as that. */
  hold(): void {
    this.#isHeld = true
  }

  resume(): void {
    this.#isHeld = false
    while (this.#mayGive) {
      const next = this.#next()
      if (next === undefined) return
      this.#freeCount -= 1
      next.granted()
    }
  }

  /** Waits for a place, which may be there at once. */
  seek(waiter: Waiter): void {
    if (waiter.signal.aborted) return waiter.refused?.()
    if (this.#mayGive) {
      this.#freeCount -= 1
      return waiter.granted()
    }
    this.#watch(waiter.signal)
    this.#waiting.push(waiter)
  }

  /** Takes a place; false when the signal fires before one is free. Who took one gives it back by `release`. */
  take(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => this.seek({ signal, granted: () => resolve(true), refused: () => resolve(false) }))
  }

  /** Hands the place to who waits longest. */
  release(): void {
    const next = this.#isHeld ? undefined : this.#next()
    if (next) next.granted()
    else this.#freeCount += 1
  }

  get #mayGive(): boolean {
    return !this.#isHeld && !this.areTaken
  }

  #next(): Waiter | undefined {
    while (this.#head < this.#waiting.length) {
      const waiter = this.#waiting[this.#head++]
      if (this.#head === forgottenAtOnceCount) this.#forget()
      if (waiter?.signal.aborted === false) return waiter
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
    signal.addEventListener('abort', () => this.#refuse(signal), { once: true })
  }

  #refuse(signal: AbortSignal): void {
    for (const waiter of this.#waiting.slice(this.#head)) if (waiter.signal === signal) waiter.refused?.()
  }
}

const forgottenAtOnceCount = 1_000
