import { drainingError, type ServiceError } from '@tenon/core/transport'
import { realTime } from './clock/real-time.ts'

export interface MemoryStreamOptions {
  /** Ends the stream as `cancelled`. */
  readonly signal: AbortSignal | undefined
  /** Called when the stream is over, whoever ended it. May be called twice. */
  readonly over: () => void
}

/** The caller's end of an output stream: leaves with its caller's signal, and does not outlive a drain when nobody reads it. */
export class MemoryStream implements AsyncIterableIterator<unknown> {
  readonly #items: AsyncIterableIterator<unknown>
  readonly #options: MemoryStreamOptions
  readonly #leave = () => void this.return()
  #waitingCount = 0
  #isDraining = false
  #endedBy: ServiceError | undefined

  constructor(items: AsyncIterableIterator<unknown>, options: MemoryStreamOptions) {
    this.#items = items
    this.#options = options
    const { signal } = options
    signal?.addEventListener('abort', this.#leave, { once: true })
    if (signal?.aborted) this.#leave()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<unknown>> {
    if (this.#endedBy) throw this.#endedBy
    this.#waitingCount += 1
    try {
      const step = await this.#items.next()
      if (step.done) this.#end()
      return step
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#waitingCount -= 1
      if (this.#isDraining) this.drain()
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#end()
    await this.#items.return?.()
    return { done: true, value: undefined }
  }

  /** Ends the stream as soon as nobody waits for an item: its caller has left it lying, and it would never end. */
  drain(): void {
    this.#isDraining = true
    // A turn later, for a loop asks for the next item as soon as it has had one.
    realTime.setImmediate(() => {
      if (this.#waitingCount > 0 || this.#endedBy) return
      this.#endedBy = drainingError()
      void this.return()
    })
  }

  #end(): void {
    this.#options.signal?.removeEventListener('abort', this.#leave)
    this.#options.over()
  }
}
