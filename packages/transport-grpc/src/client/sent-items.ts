import { setImmediate } from 'node:timers/promises'

/** A call that takes any number of messages. */
export interface SendingCall {
  write(message: Buffer, written: () => void): unknown
  end(): void
  cancel(): void
}

export interface SendingOptions {
  readonly encode: (item: unknown) => Buffer
  /** Whether sending must wait for something to be received; asked before each item. */
  readonly received?: { readonly caughtUp: Promise<void> | undefined }
}

/** Input items on their way out, asked for no faster than the call takes them. */
export class SentItems {
  readonly #call: SendingCall
  readonly #iterator: AsyncIterator<unknown>
  readonly #options: SendingOptions
  #isOver = false
  #wake: () => void = () => undefined
  #failure: { readonly error: unknown } | undefined

  constructor(call: SendingCall, inputs: AsyncIterable<unknown>, options: SendingOptions) {
    this.#call = call
    this.#iterator = inputs[Symbol.asyncIterator]()
    this.#options = options
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
    this.#wake()
    Promise.resolve(this.#iterator.return?.()).catch(() => undefined)
  }

  async #send(): Promise<void> {
    try {
      for (;;) {
        const step = await this.#iterator.next()
        if (step.done !== true) await this.#write(this.#options.encode(step.value))
        if (this.#isOver) return
        if (step.done === true) {
          this.#isOver = true
          return this.#call.end()
        }
      }
    } catch (error) {
      if (this.#isOver) return
      this.#failure = { error }
      this.end()
      this.#call.cancel()
    }
  }

  async #write(message: Buffer): Promise<void> {
    const { received } = this.#options
    // By then grpc-js has told all that came in, so that a call which the remote has ended is known to be over.
    await setImmediate()
    while (received?.caughtUp && !this.#isOver) await this.#until((resolve) => void received.caughtUp?.then(resolve))
    if (!this.#isOver) await this.#until((resolve) => this.#call.write(message, resolve))
  }

  /** Waits for something that may never come once the call has ended. */
  #until(begin: (resolve: () => void) => unknown): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      begin(resolve)
    })
  }
}
