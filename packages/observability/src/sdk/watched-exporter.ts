interface Outcome {
  readonly code: number
  readonly error?: Error
}

/** What all exporters have in common. */
interface Exporter<Items> {
  export(items: Items, done: (outcome: Outcome) => void): void
  forceFlush?(): Promise<void>
  shutdown(): Promise<void>
}

/** An exporter that tells what came of each batch, and counts those that are under way. */
export class WatchedExporter<Items> {
  readonly #exporter: Exporter<Items>
  readonly #note: (outcome: Outcome) => void
  readonly #taken: ((items: Items) => void) | undefined
  readonly #underWay = new Set<Promise<void>>()

  /** @param taken Told of each batch that has left the queue. */
  constructor(exporter: Exporter<Items>, note: (outcome: Outcome) => void, taken?: (items: Items) => void) {
    this.#exporter = exporter
    this.#note = note
    this.#taken = taken
  }

  export(items: Items, done: (outcome: Outcome) => void): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#underWay.add(promise)
    this.#taken?.(items)
    this.#exporter.export(items, (outcome) => {
      this.#underWay.delete(promise)
      resolve()
      this.#note(outcome)
      done(outcome)
    })
  }

  /** Waits for what is under way: processors flush what is not, and do not wait for the rest. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown()
  }
}
