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

  /** How many get their turn within the time; as many as a thread can begin before the first did. */
  countWithin(timeMs: number): number {
    return this.#count < leastCount ? timeMs * mostPerMs : (timeMs * this.#count) / Math.max(this.#spentMs, 1)
  }
}

/** Part of what was known that still counts a tenth of a second later, so that half is forgotten in 0.3 s. A guess. */
const remembered = 0.8

/** What a thread can begin at all: to take in a call costs 0.04 ms over HTTP, and to begin it some more. A guess. */
const mostPerMs = 10

/** One turn alone says nothing. */
const leastCount = 1
