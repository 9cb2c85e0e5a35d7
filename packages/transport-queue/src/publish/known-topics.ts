/** A message that waits for its topic. Neither method may throw. */
export interface TopicTurn {
  /** From `nextOrder`, when it was published: messages may be told that their topic is gone in another order. */
  readonly order: number
  go(): void
  fail(error: unknown): void
}

/** Makes sure that a topic is there before the first message goes to it, so that a fresh broker works. */
export class KnownTopics {
  readonly #ensure: (topic: string) => Promise<void>
  readonly #ready = new Set<string>()
  readonly #waiting = new Map<string, Set<TopicTurn>>()
  #order = 0

  constructor(ensure: (topic: string) => Promise<void>) {
    this.#ensure = ensure
  }

  nextOrder(): number {
    this.#order += 1
    return this.#order
  }

  /** Lets it go at once, or with all that wait for the topic, in their order. What failed is tried again by the next one. */
  enter(topic: string, turn: TopicTurn): void {
    if (this.#ready.has(topic)) return turn.go()
    const waiting = this.#waiting.get(topic)
    if (waiting) return void waiting.add(turn)
    this.#waiting.set(topic, new Set([turn]))
    this.#ask(topic)
  }

  /** As `enter`, for one that was told that the topic, once there, is there no more. */
  enterAgain(topic: string, turn: TopicTurn): void {
    this.#ready.delete(topic)
    this.enter(topic, turn)
  }

  /** It waits no longer. */
  forget(topic: string, turn: TopicTurn): void {
    this.#waiting.get(topic)?.delete(turn)
  }

  #ask(topic: string): void {
    let asking: readonly TopicTurn[] = []
    // With those that come before anything else can happen.
    queueMicrotask(() => (asking = [...(this.#waiting.get(topic) ?? [])]))
    this.#ensure(topic).then(
      () => {
        this.#ready.add(topic)
        for (const turn of this.#takeWaiting(topic)) turn.go()
      },
      (error: unknown) => this.#failThose(topic, asking, error),
    )
  }

  /** Whoever came later waits for an answer of its own, with all its time: this one may have been long in coming. */
  #failThose(topic: string, asking: readonly TopicTurn[], error: unknown): void {
    const waiting = this.#takeWaiting(topic)
    const failed = asking.filter((turn) => waiting.delete(turn))
    if (waiting.size > 0) {
      this.#waiting.set(topic, waiting)
      this.#ask(topic)
    }
    for (const turn of failed) turn.fail(error)
  }

  #takeWaiting(topic: string): Set<TopicTurn> {
    const waiting = this.#waiting.get(topic) ?? new Set<TopicTurn>()
    this.#waiting.delete(topic)
    return new Set([...waiting].toSorted((one, other) => one.order - other.order))
  }
}
