/** How fast calls that wait get their turn. */
export class Pace {
  #sinceMs = 0
  #spentMs = 0
  #count = 0

  /** Calls begin to wait. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs
  }

  /** Time in which calls waited has passed, and one of them got its turn or none did. */
  pass(nowMs: number, count: 0 | 1): void {
    this.#spentMs += nowMs - this.#sinceMs
    this.#sinceMs = nowMs
    this.#count += count
  }

  /** What was longer ago counts for less. */
  fade(): void {
    this.#spentMs *= remembered
    this.#count *= remembered
  }

  /** How many get their turn within the time; Infinity before the first did. */
  countWithin(timeMs: number): number {
    return this.#count < leastCount ? Number.POSITIVE_INFINITY : (timeMs * this.#count) / Math.max(this.#spentMs, 1)
  }
}

/** Part of what was known that still counts a tenth of a second later, so that half is forgotten in 0.3 s. A guess. */
const remembered = 0.8

/** One turn alone says nothing. */
const leastCount = 1
