/**
 * Input items that can be sent anew while only the first was asked for: that one is kept, and the source stays open. A transport
 * may ask for it before it has a connection.
 */
export class HeldInputs {
  readonly #inputs: AsyncIterable<unknown>
  #source: AsyncIterator<unknown> | undefined
  #first: Promise<IteratorResult<unknown>> | undefined
  #isHolding = true
  #wasLeft = false

  constructor(inputs: AsyncIterable<unknown>) {
    this.#inputs = inputs
  }

  /** Whether nothing was asked for that another attempt would lack. */
  get isWhole(): boolean {
    return this.#isHolding
  }

  /** The items from the first one on, for one attempt. */
  attempt(): AsyncIterable<unknown> {
    let hasBegun = false
    const next = () => {
      if (hasBegun) return this.#pass().next()
      hasBegun = true
      this.#first ??= this.#open().next()
      return this.#first
    }
    const iterator: AsyncIterator<unknown> = { next, return: () => this.#leave() }
    return { [Symbol.asyncIterator]: () => iterator }
  }

  /** No further attempt is made: a source that was left is closed. */
  release(): void {
    if (this.#wasLeft) Promise.resolve(this.#pass().return?.()).catch(() => undefined)
    this.#wasLeft = false
  }

  #open(): AsyncIterator<unknown> {
    this.#source ??= this.#inputs[Symbol.asyncIterator]()
    return this.#source
  }

  /** From here on the source is the attempt's own. */
  #pass(): AsyncIterator<unknown> {
    this.#isHolding = false
    this.#first = undefined
    return this.#open()
  }

  async #leave(): Promise<IteratorResult<unknown>> {
    if (!this.#isHolding) await this.#open().return?.()
    else this.#wasLeft = true
    return { done: true, value: undefined }
  }
}
