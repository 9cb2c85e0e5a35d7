import { DeadlineWatch } from '../call/deadline.ts'
import type { Cuttable } from '../call/gate.ts'
import { markRemote, ServiceError } from '../error/service-error.ts'

/** What limits a wait. */
export interface Bounds {
  /** On the clock of `performance.now()`; undefined without a deadline. */
  readonly endsAtMs: number | undefined
  readonly signal: AbortSignal | undefined
}

/** Ends waits of outgoing calls at the deadline and the signal of the call, whatever they wait for; one timer for all. */
export class CallBounds {
  readonly #waits: Cuttable[] = []
  readonly #deadlines = new DeadlineWatch(this.#waits)

  /**
   * What the work comes to, if it comes in time; what comes later is dropped.
   *
   * @throws ServiceError `deadline_exceeded` or `cancelled`, whichever came first
   */
  wait<Value>(bounds: Bounds, work: Value | Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => this.#settle(bounds, work, { resolve, reject, cut: reject }))
  }

  /** As `wait`, for a clean-up: the end of the call ends the wait and is no failure. */
  waitToClose(bounds: Bounds, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#settle(bounds, work, { resolve: () => resolve(), reject, cut: () => resolve() }),
    )
  }

  #settle<Value>({ endsAtMs, signal }: Bounds, work: Value | Promise<Value>, outcome: Outcome<Value>): void {
    const wait: Cuttable = {
      endsAtMs,
      place: this.#waits.length,
      cut: (error) => leave(() => outcome.cut(markRemote(error))),
    }
    const aborted = () => wait.cut(cancelled(signal))
    const leave = (settle: () => void) => {
      signal?.removeEventListener('abort', aborted)
      this.#leave(wait)
      settle()
    }
    this.#enter(wait)
    signal?.addEventListener('abort', aborted, { once: true })
    Promise.resolve(work).then(
      (value) => leave(() => outcome.resolve(value)),
      (error) => leave(() => outcome.reject(error)),
    )
    if (signal?.aborted) aborted()
  }

  #enter(wait: Cuttable): void {
    this.#waits.push(wait)
    if (wait.endsAtMs !== undefined) this.#deadlines.expect(wait.endsAtMs)
  }

  /** The last one takes the timer with it, so that nothing remains of calls that are over. */
  #leave(wait: Cuttable): void {
    if (this.#waits[wait.place] !== wait) return
    const last = this.#waits.pop()
    if (last !== undefined && last !== wait) {
      last.place = wait.place
      this.#waits[wait.place] = last
    }
    if (this.#waits.length === 0) this.#deadlines.close()
  }
}

/**
 * Makes sure that a call may still begin something.
 *
 * @throws ServiceError `deadline_exceeded` or `cancelled`
 */
export function requireRunning({
  timeoutMs,
  signal,
}: {
  timeoutMs: number | undefined
  signal: AbortSignal | undefined
}): void {
  if (timeoutMs === 0)
    throw markRemote(new ServiceError('deadline_exceeded', 'no time is left for a call of another service'))
  if (signal?.aborted) throw markRemote(cancelled(signal))
}

interface Outcome<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
  readonly cut: (error: ServiceError) => void
}

/** The signal of a running call says itself when it was its deadline. */
function cancelled(signal: AbortSignal | undefined): ServiceError {
  const reason: unknown = signal?.reason
  if (ServiceError.is(reason) && reason.code === 'deadline_exceeded')
    return new ServiceError('deadline_exceeded', 'the deadline passed before the call ended', { cause: reason })
  return new ServiceError('cancelled', 'the call was cancelled', { cause: reason })
}
