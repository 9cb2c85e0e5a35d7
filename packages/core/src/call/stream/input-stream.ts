import { invalidArgument, ServiceError } from '../../error/service-error.ts'
import type { CompiledSchema } from '../../schema/compiled-schema.ts'
import { nextTurn } from './loop-turn.ts'
import { PendingSteps } from './pending-steps.ts'

export interface InputSurroundings {
  readonly item: CompiledSchema
  /** Fires when the call has ended or is to end. */
  readonly signal: AbortSignal
  /** What the call ends with when its caller leaves, of which a source knows only that it did. */
  readonly callerGone: () => ServiceError
}

/**
 * A caller's input items on their way to the handler: each is checked when the handler asks for it, so that a handler that
 * does not ask holds its caller back, and a wait ends when the call does. Items that are there already leave other calls their turn.
 */
export class InputStream implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>
  readonly #surroundings: InputSurroundings
  readonly #pending = new PendingSteps()
  readonly #cut: () => void
  #index = 0
  #isOver = false
  #failure: { readonly error: unknown } | undefined

  constructor(source: AsyncIterator<unknown>, surroundings: InputSurroundings) {
    this.#source = source
    this.#surroundings = surroundings
    const { signal } = surroundings
    this.#cut = () => {
      this.#pending.rejectAll(signal.reason)
      this.close()
    }
    signal.addEventListener('abort', this.#cut, { once: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    const { signal } = this.#surroundings
    // A handler must not take an input that was cut off for one that was complete.
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.#failure) return Promise.reject(this.#failure.error)
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined })
    return this.#pending.run(() => this.#step())
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.close()
    return { done: true, value: undefined }
  }

  /** Reads no more. Does not wait for the source: one that waits for its caller closes when that says something. */
  close(): void {
    if (this.#isOver) return
    this.#end()
    this.#pending.rejectAll(new ServiceError('cancelled', 'the call has ended'))
    void this.#release()
  }

  async #step(): Promise<IteratorResult<unknown>> {
    try {
      const step = await this.#source.next()
      const turn = nextTurn()
      if (turn) await turn
      if (!step.done) return { done: false, value: await this.#read(step.value) }
      this.#end()
      return { done: true, value: undefined }
    } catch (thrown) {
      const error = isLeaving(thrown) ? this.#surroundings.callerGone() : thrown
      this.#failure = { error }
      if (!this.#isOver) {
        this.#end()
        void this.#release()
      }
      throw error
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#source.return?.()
    } catch {
      // Whatever is wrong with a source that nobody reads any more.
    }
  }

  #end(): void {
    this.#isOver = true
    this.#surroundings.signal.removeEventListener('abort', this.#cut)
  }

  async #read(value: unknown): Promise<unknown> {
    const result = await this.#surroundings.item.read(value)
    const index = this.#index
    this.#index += 1
    if (result.ok) return result.value
    throw invalidArgument(result.violations.map((one) => ({ ...one, field: `/${index}${one.field}` })))
  }
}

/** @throws ServiceError `unimplemented` when the transport that decoded it carries no input streams. */
export function inputIterator(decoded: unknown): AsyncIterator<unknown> {
  if (typeof decoded === 'object' && decoded !== null && Symbol.asyncIterator in decoded) {
    return (decoded as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  }
  throw new ServiceError('unimplemented', 'this transport carries no input streams')
}

function isLeaving(thrown: unknown): boolean {
  return ServiceError.is(thrown) && thrown.code === 'cancelled'
}
