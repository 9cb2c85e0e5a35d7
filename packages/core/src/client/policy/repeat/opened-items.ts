/** An output stream whose first item has come, or which has ended without one. */
export class OpenedItems implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>
  #first: IteratorResult<unknown> | undefined

  private constructor(source: AsyncIterator<unknown>, first: IteratorResult<unknown>) {
    this.#source = source
    this.#first = first
  }

  /** @throws what the stream fails with before it gives an item. */
  static async open(items: AsyncIterable<unknown>): Promise<OpenedItems> {
    const source = items[Symbol.asyncIterator]()
    return new OpenedItems(source, await source.next())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#first === undefined) return this.#source.next()
    const first = this.#first
    this.#first = undefined
    return Promise.resolve(first)
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#source.return?.()
    return { done: true, value: undefined }
  }
}
