/** How many partitions topics have. One that is not known now is left out. Never rejects. */
export type CountPartitions = (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>

/** Finds out that topics have more partitions than were shared out. Only who shares them out can do something about it. */
export class TopicGrowth {
  readonly #count: CountPartitions
  #shared: ReadonlyMap<string, number> = new Map()
  #lookedAt = 0
  #isLooking = false
  #hasGrown = false

  constructor(count: CountPartitions) {
    this.#count = count
  }

  /** So many partitions were shared out; of no topic where somebody else shares. */
  begin(shared: ReadonlyMap<string, number>): void {
    this.#shared = shared
    this.#lookedAt = performance.now()
    this.#hasGrown = false
  }

  /** Whether a topic has more by now. Looks every minute at most, and tells what the last look has found. */
  hasGrown(): boolean {
    const isDue = this.#shared.size > 0 && performance.now() - this.#lookedAt >= growthLookMs
    if (isDue && !this.#isLooking) void this.#look()
    return this.#hasGrown
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    const found = await this.#count([...this.#shared.keys()])
    this.#lookedAt = performance.now()
    this.#isLooking = false
    // Others may share by now, or by newer numbers.
    this.#hasGrown ||= [...found].some(([topic, count]) => count > (this.#shared.get(topic) ?? count))
  }
}

/**
 * How soon a partition is found that its topic did not have before, at most. A guess: it is read from its beginning, so nothing is lost.
 *
 * @see Kafka consumer setting metadata.max.age.ms: 300,000
 */
export const growthLookMs = 60_000
