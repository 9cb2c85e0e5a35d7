/** Lets messages of one kind go out in the order in which they were published, however long each is validated. */
export class PublishOrder {
  readonly #last = new WeakMap<object, Promise<void>>()

  /** Resolves when those before have gone on or failed; undefined when there are none. */
  before(kind: object): Promise<void> | undefined {
    return this.#last.get(kind)
  }

  /** Takes a place behind all others of its kind. Call what is given when it has gone on or failed. */
  enter(kind: object): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#last.get(kind)
    // One that gives up must not let those behind it overtake those before it.
    const bothLeft = Promise.all([before, promise]).then(() => undefined)
    this.#last.set(kind, bothLeft)
    void bothLeft.then(() => {
      if (this.#last.get(kind) === bothLeft) this.#last.delete(kind)
    })
    return resolve
  }
}
