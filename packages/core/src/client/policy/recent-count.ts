/** How a window of time is divided. */
export interface CountWindow {
  readonly windowMs: number
  /** The window moves on by one of its parts at a time. */
  readonly bucketCount: number
}

/** Counts what happened within the last so many milliseconds, in time that does not grow with the count. */
export class RecentCount {
  readonly #buckets: Float64Array
  readonly #bucketMs: number
  #newest = Number.NEGATIVE_INFINITY
  #total = 0

  constructor({ windowMs, bucketCount }: CountWindow) {
    this.#buckets = new Float64Array(bucketCount)
    this.#bucketMs = windowMs / bucketCount
  }

  add(nowMs: number): void {
    const { length } = this.#buckets
    const at = this.#moveTo(nowMs) % length
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1
    this.#total += 1
  }

  total(nowMs: number): number {
    this.#moveTo(nowMs)
    return this.#total
  }

  /** Lets go of what is too old. */
  #moveTo(nowMs: number): number {
    const { length } = this.#buckets
    const current = Math.floor(nowMs / this.#bucketMs)
    if (current <= this.#newest) return this.#newest
    for (let step = Math.max(this.#newest + 1, current - length + 1); step <= current; step += 1) {
      this.#total -= this.#buckets[step % length] ?? 0
      this.#buckets[step % length] = 0
    }
    this.#newest = current
    return current
  }
}
