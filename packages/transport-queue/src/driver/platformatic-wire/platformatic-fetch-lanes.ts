/** What is fetched over the two lanes of a broker. */
export interface LaneWork<Part> {
  /** Those that can be fetched now and are on no lane; empty when there are none. They are on this one until they are fetched. */
  take(): readonly Part[]
  /** Resolves when the broker has answered, which it does as soon as it has something, or when that time is over; never rejects. */
  fetch(parts: readonly Part[], way: { readonly lane: number; readonly waitMs: number }): Promise<void>
}

/**
 * Asks one broker for all that can be fetched in one request, over and over. What can be fetched only after it was sent goes
 * over a second lane until the first is answered, so that it need not wait until the broker has something for the others.
 */
export class FetchLanes<Part> {
  readonly #work: LaneWork<Part>
  #isAsking = false
  #main: Promise<void> | undefined
  #side: Promise<void> | undefined

  constructor(work: LaneWork<Part>) {
    this.#work = work
  }

  /** There may be something that can be fetched. */
  wake(): void {
    if (this.#main === undefined) this.#main = this.#runMain()
    else if (this.#isAsking) this.#side ??= this.#runSide()
  }

  async #runMain(): Promise<void> {
    for (;;) {
      // What is on the side lane comes back to this one.
      await this.#side
      const parts = this.#work.take()
      if (parts.length === 0) break
      this.#isAsking = true
      await this.#work.fetch(parts, { lane: 0, waitMs: mainWaitMs })
      this.#isAsking = false
    }
    this.#main = undefined
  }

  async #runSide(): Promise<void> {
    while (this.#isAsking) {
      const parts = this.#work.take()
      if (parts.length === 0) break
      await this.#work.fetch(parts, { lane: 1, waitMs: sideWaitMs })
    }
    this.#side = undefined
  }
}

/** How long a broker without records waits for some. @see Kafka consumer setting fetch.max.wait.ms: the same */
const mainWaitMs = 500
/** A guess: half of what a main lane that is answered may have to wait for this one. */
const sideWaitMs = 50
