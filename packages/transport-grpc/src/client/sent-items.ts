/** A call that takes any number of messages. */
export interface SendingCall {
  write(message: Buffer): boolean
  end(): void
  cancel(): void
  once(event: 'drain', listener: () => void): unknown
}

/** Input items on their way out, asked for no faster than the call takes them. */
export class SentItems {
  readonly #call: SendingCall
  readonly #iterator: AsyncIterator<unknown>
  readonly #encode: (item: unknown) => Buffer
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(call: SendingCall, inputs: AsyncIterable<unknown>, encode: (item: unknown) => Buffer) {
    this.#call = call
    this.#iterator = inputs[Symbol.asyncIterator]()
    this.#encode = encode
    void this.#send()
  }

  /** What a call failed with: the inputs' own error, where it was cancelled because of that. */
  causeOf(error: unknown): unknown {
    return this.#failure ? this.#failure.error : error
  }

  /** The call has ended, so nothing more is sent, and the source of the items is closed. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#wake?.()
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined)
  }

  async #send(): Promise<void> {
    try {
      while (!this.#isOver) {
        const step = await this.#iterator.next()
        if (this.#isOver) return
        if (step.done === true) {
          this.#isOver = true
          this.#call.end()
        } else if (!this.#call.write(this.#encode(step.value))) await this.#writable()
      }
    } catch (error) {
      if (this.#isOver) return
      this.#failure = { error }
      this.end()
      this.#call.cancel()
    }
  }

  #writable(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#call.once('drain', resolve)
    })
  }
}
