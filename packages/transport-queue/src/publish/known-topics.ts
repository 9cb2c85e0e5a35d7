/** A message that waits for its topic. Neither method may throw. */
export interface TopicTurn {
  go(): void
  fail(error: unknown): void
}

/** Makes sure that a topic is there before the first message goes to it, so that a fresh broker works. */
export class KnownTopics {
  readonly #ensure: (topic: string) => Promise<void>
  readonly #ready = new Set<string>()
  readonly #waiting = new Map<string, Set<TopicTurn>>()

  constructor(ensure: (topic: string) => Promise<void>) {
    this.#ensure = ensure
  }

  /** Lets it go at once, or with all that wait for the topic, in their order. What failed is tried again by the next one. */
  enter(topic: string, turn: TopicTurn): void {
    if (this.#ready.has(topic)) return turn.go()
    const waiting = this.#waiting.get(topic)
    if (waiting) return void waiting.add(turn)
    this.#waiting.set(topic, new Set([turn]))
    this.#ensure(topic).then(
      () => {
        this.#ready.add(topic)
        for (const one of this.#takeWaiting(topic)) one.go()
      },
      (error: unknown) => {
        for (const one of this.#takeWaiting(topic)) one.fail(error)
      },
    )
  }

  /** It waits no longer. */
  forget(topic: string, turn: TopicTurn): void {
    this.#waiting.get(topic)?.delete(turn)
  }

  #takeWaiting(topic: string): Iterable<TopicTurn> {
    const waiting = this.#waiting.get(topic) ?? []
    this.#waiting.delete(topic)
    return waiting
  }
}
