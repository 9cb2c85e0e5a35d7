import { ServiceError } from '../../error/service-error.ts'
import type { LocalCall } from './local-call.ts'
import type { Copy } from './local-codec.ts'

/** The items of an input stream as who serves the call gets them, one whenever it asks for one. */
export class LocalInputs implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>
  readonly #call: LocalCall
  readonly #copy: Copy
  #isOver = false

  constructor(inputs: AsyncIterable<unknown>, call: LocalCall, copy: Copy) {
    this.#source = inputs[Symbol.asyncIterator]()
    this.#call = call
    this.#copy = copy
    call.whenOver(() => this.#close())
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#isOver) return done
    try {
      const step = await this.#call.orEnd(this.#call.inCaller(() => this.#source.next()))
      if (step.done !== true) return { done: false, value: this.#copy(step.value) }
      this.#isOver = true
      return done
    } catch (cause) {
      this.#close()
      this.#call.end(cause as ServiceError)
      throw new ServiceError('cancelled', 'the caller broke off its input')
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#close()
    return done
  }

  /** Nothing more is asked for: the source is told, and not waited for. */
  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#call.inCaller(async () => this.#source.return?.()).catch(() => undefined)
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined }
