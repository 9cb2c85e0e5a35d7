import type { ServiceError } from '../../error/service-error.ts'
import { toCallError } from '../call-error.ts'
import { type AmbientCall, runInCall } from '../context.ts'
import { nextTurn } from './loop-turn.ts'
import { PendingSteps } from './pending-steps.ts'

/** What surrounds the items of an output stream. */
export interface StreamSurroundings {
  readonly call: AmbientCall
  /** Checks one item; throws what the caller is to be told. */
  readonly write: (item: unknown) => unknown
  /** What the call ends with when its reader leaves. */
  readonly callerGone: () => ServiceError
  /** Called once, when the stream is over for its reader. */
  readonly ended: (error: ServiceError | undefined) => void
  /** Called once, after that, when the handler does nothing more for it. */
  readonly released: () => void
  /** Called with what the handler fails with after the stream was over. */
  readonly failedLate: (error: ServiceError) => void
}

/**
 * A handler's output items on their way out: each is checked, each step runs inside the call, steps throw only
 * `ServiceError`, and cutting it ends a step that waits.
 */
export class OutputStream implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>
  readonly #surroundings: StreamSurroundings
  readonly #pending = new PendingSteps()
  #endedBy: ServiceError | undefined
  #hasEnded = false
  #workCount = 0
  #isReleased = false

  constructor(source: AsyncIterator<unknown>, surroundings: StreamSurroundings) {
    this.#source = source
    this.#surroundings = surroundings
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#endedBy) return Promise.reject(this.#endedBy)
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined })
    return this.#pending.run(() => this.#working(() => this.#step()))
  }

  /** Resolves when the source has cleaned up; at once when it is waiting, which only the call's signal can end. */
  async return(): Promise<IteratorResult<unknown>> {
    const error = this.#surroundings.callerGone()
    this.#end(error)
    const released = this.#release()
    if (this.#pending.isEmpty) await released
    else this.#pending.rejectAll(error)
    return { done: true, value: undefined }
  }

  /** Ends the stream with an error; a generator that waits is told through the call's signal, then closed. */
  cut(error: ServiceError): void {
    this.#end(error)
    this.#pending.rejectAll(error)
    // Not awaited: a generator may ignore the signal for as long as it likes, the caller is answered now.
    void this.#release()
  }

  async #step(): Promise<IteratorResult<unknown>> {
    try {
      const step = await runInCall(this.#surroundings.call, () => this.#source.next(), undefined)
      const turn = nextTurn()
      if (turn) await turn
      if (!step.done) {
        const value = this.#surroundings.write(step.value)
        return { done: false, value: value instanceof Promise ? await value : value }
      }
      this.#end(undefined)
      return { done: true, value: undefined }
    } catch (thrown) {
      const error = toCallError(thrown, this.#surroundings.call)
      if (this.#hasEnded) this.#surroundings.failedLate(error)
      this.#end(error)
      void this.#release()
      throw error
    }
  }

  /** Counts what the handler does, so that it is known when it has done it. */
  async #working<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#workCount += 1
    try {
      return await work()
    } finally {
      this.#workCount -= 1
      if (this.#hasEnded && this.#workCount === 0 && !this.#isReleased) {
        this.#isReleased = true
        this.#surroundings.released()
      }
    }
  }

  #end(error: ServiceError | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#endedBy = error
    this.#surroundings.ended(error)
  }

  /** Closes the source. The caller has its answer, so what goes wrong is only logged. */
  #release(): Promise<void> {
    const { call } = this.#surroundings
    return this.#working(async () => {
      try {
        await runInCall(call, () => this.#source.return?.(), undefined)
      } catch (error) {
        call.log.error({ err: error }, `the stream of ${call.operation} failed while it was closed`)
      }
    })
  }
}
