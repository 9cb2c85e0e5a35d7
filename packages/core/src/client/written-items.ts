type Source = AsyncIterator<unknown> | Iterator<unknown>

/**
 * Input items as the schema writes them. No generator: that could not be left while it waits for an item, and the caller's source
 * would not be let go before it gives one.
 */
export class WrittenItems implements AsyncIterableIterator<unknown> {
  readonly #inputs: unknown
  readonly #write: (input: unknown) => unknown
  #source: Source | undefined
  #isOver = false

  constructor(inputs: unknown, write: (input: unknown) => unknown) {
    this.#inputs = inputs
    this.#write = write
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws what the source throws; ServiceError `invalid_argument` for an item that does not fit, which lets the source go. */
  async next(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return ended
    try {
      this.#source ??= sourceOf(this.#inputs)
      const step = await this.#source.next()
      if (step.done !== true) return { done: false, value: await this.#write(await step.value) }
    } catch (error) {
      await this.return().catch(() => undefined)
      throw error
    }
    this.#isOver = true
    return ended
  }

  async return(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return ended
    this.#isOver = true
    await this.#source?.return?.()
    return ended
  }
}

const ended: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** @throws TypeError for what is no iterable. */
function sourceOf(inputs: unknown): Source {
  const of = Object(inputs) as Partial<AsyncIterable<unknown> & Iterable<unknown>>
  const source = of[Symbol.asyncIterator]?.() ?? of[Symbol.iterator]?.()
  if (source === undefined) throw new TypeError('the inputs of a stream must be an iterable')
  return source
}
