/** Hands the newest of the values that are put in to one reader, who may be slower than they come. */
export class Newest<Value> {
  #unread: { readonly value: Value } | undefined
  #arrived = Promise.withResolvers<void>()

  put(value: Value): void {
    this.#unread = { value }
    this.#arrived.resolve()
  }

  /** Every value from the newest unread one on, until the signal fires. */
  async *read(signal: AbortSignal): AsyncGenerator<Value> {
    const end = () => this.#arrived.resolve()
    signal.addEventListener('abort', end, { once: true })
    try {
      while (!signal.aborted) {
        const unread = this.#unread
        this.#unread = undefined
        this.#arrived = Promise.withResolvers<void>()
        if (unread) yield unread.value
        else await this.#arrived.promise
      }
    } finally {
      signal.removeEventListener('abort', end)
    }
  }
}
