/**
 * What calls of one operation usually take, learnt while few of them run. Operations differ by orders of magnitude, so that only
 * each one's own past says whether it is slow.
 */
export class UsualLatency {
  #usualMs: number | undefined
  #sumMs = 0
  #count = 0

  note(tookMs: number): void {
    this.#sumMs += tookMs
    this.#count += 1
  }

  /**
   * Ends a window: how many times as long as usual its calls took; undefined, and the window goes on, when too few have ended.
   *
   * @param isTrue Whether what they took is due to themselves, and not to how many of them ran.
   */
  close(isTrue: boolean): SlowCalls | undefined {
    if (this.#count < leastCount) return undefined
    const count = this.#count
    const meanMs = Math.max(leastMs, this.#sumMs / count)
    this.#sumMs = 0
    this.#count = 0
    const usualMs = this.#usualMs ?? meanMs
    if (isTrue || meanMs < usualMs) this.#usualMs = usualMs + (meanMs - usualMs) * learning
    this.#usualMs ??= usualMs
    return { count, slowness: meanMs / usualMs }
  }
}

/** Calls that have ended, and how many times as long as usual they took. */
export interface SlowCalls {
  readonly count: number
  readonly slowness: number
}

/** From fewer calls nothing is learnt. @see Netflix concurrency-limits, WindowedLimit: the default windowSize */
const leastCount = 10

/** What takes less is never slow: a turn of the event loop or two is what any call may wait. A guess. */
const leastMs = 10

/** Part of the difference that a window makes. A guess. */
const learning = 0.1
