import { runInCall } from '../context.ts'
import type { Closable } from '../call-work.ts'
import type { RunningCall } from '../running-call.ts'

/**
 * A stream as `next()` gives it to an interceptor: each step counts as work of the call, and when the call has ended, what was
 * opened and not read to its end is closed. Without that, an interceptor that gives items of its own would leave the handler's
 * generator to nobody. What is no stream is given as it is.
 */
export function followItems(output: unknown, call: RunningCall): unknown {
  if (typeof output !== 'object' || output === null) return output
  const make: unknown = Reflect.get(output, Symbol.asyncIterator)
  if (typeof make !== 'function') return output
  const open = (): AsyncIterator<unknown> => Reflect.apply(make, output, [])
  return { [Symbol.asyncIterator]: () => new FollowedItems(open(), call) }
}

class FollowedItems implements AsyncIterableIterator<unknown>, Closable {
  readonly #source: AsyncIterator<unknown>
  readonly #call: RunningCall
  #isRefusing = false

  constructor(source: AsyncIterator<unknown>, call: RunningCall) {
    this.#source = source
    this.#call = call
    call.work.opened(this)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** @throws ServiceError what the call ended with, once it was closed with it: items that end here are not complete. */
  async next(): Promise<IteratorResult<unknown>> {
    const refusal = this.#isRefusing ? this.#call.refusal : undefined
    if (refusal) throw refusal
    try {
      const step = await this.#working(() => this.#source.next())
      if (step.done) this.#call.work.closed(this)
      return step
    } catch (error) {
      this.#call.work.closed(this)
      throw error
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#call.work.closed(this)
    await this.#working(() => this.#source.return?.())
    return { done: true, value: undefined }
  }

  close(): void {
    this.#isRefusing = true
    const call = this.#call
    runInCall(call, () => this.return(), undefined).catch((error: unknown) =>
      call.log.error({ err: error }, `the stream of ${call.operation} failed while it was closed`),
    )
  }

  /** Counts the source's own promise, so that the next step may begin before the count is nothing. */
  async #working<Value>(work: () => Value | Promise<Value>): Promise<Value> {
    const working = Promise.resolve(work())
    this.#call.work.track(working)
    return await working
  }
}
