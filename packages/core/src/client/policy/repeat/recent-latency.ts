/** How long the last calls took. */
export class RecentLatency {
  readonly #latestMs = new Float64Array(keptCount)
  #count = 0
  readonly #ratio: number
  #belowMs: number | undefined

  /** @param ratio Which share of the calls is to be faster than what is told; from 0 to 1. */
  constructor(ratio: number) {
    this.#ratio = ratio
  }

  add(durationMs: number): void {
    this.#latestMs[this.#count % keptCount] = durationMs
    this.#count += 1
    // Sorting is for few of the calls.
    if (this.#count % sortedEvery === 0) this.#belowMs = this.#percentile()
  }

  /** What that share of the calls stayed below; undefined while too few are known. */
  get belowMs(): number | undefined {
    return this.#belowMs
  }

  #percentile(): number | undefined {
    const sorted = this.#latestMs.slice(0, Math.min(this.#count, keptCount)).sort()
    return sorted[Math.ceil(sorted.length * this.#ratio) - 1]
  }
}

/** Guesses: enough for a percentile of 99, few enough to follow a change within seconds. */
const keptCount = 1_000
const sortedEvery = 100
