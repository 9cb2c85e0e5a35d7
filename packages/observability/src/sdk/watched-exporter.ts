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
  readonly #underWay = new Set<Promise<void>>()

  constructor(exporter: Exporter<Items>, note: (outcome: Outcome) => void) {
    this.#exporter = exporter
    this.#note = note
  }

  export(items: Items, done: (outcome: Outcome) => void): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#underWay.add(promise)
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
