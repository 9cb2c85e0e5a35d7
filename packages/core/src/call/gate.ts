import { ServiceError } from '../error/service-error.ts'
import { markShutdown } from '../error/shutdown.ts'
import { DeadlineWatch } from './deadline.ts'

/** A call that runs, as far as those care who may end it. */
export interface Cuttable {
  /** On the clock of `performance.now()`; undefined without a deadline. */
  readonly endsAtMs: number | undefined
  /** Kept by the gate: where the call is among the running ones. */
  place: number
  /** Ends it with the error. */
  cut(error: ServiceError): void
}

/** Lets calls in until the service drains, knows those that run, and ends those whose deadline has passed. */
export class Gate {
  readonly #shutting = new AbortController()
  /** Fires when the service begins to drain. */
  readonly draining: AbortSignal = this.#shutting.signal
  /** In no order, so that a call that leaves gives its place to the last: a set costs a call three times as much. */
  readonly #running: Cuttable[] = []
  readonly #deadlines = new DeadlineWatch(this.#running)
  #isOpen = true
  #isOpenToAccepted = false
  #isCut = false
  #cutCount = 0
  #abandonedCount = 0
  #leftCount = 0
  #idle: (() => void) | undefined

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether work is let in that was accepted before, although the gate is not open any more. */
  isOpenTo({ isAccepted }: { readonly isAccepted?: boolean }): boolean {
    return isAccepted === true && this.#isOpenToAccepted && !this.#isCut
  }

  get runningCount(): number {
    return this.#running.length
  }

  /** How many calls were cut because the drain deadline came. */
  get cutCount(): number {
    return this.#cutCount
  }

  /** How many handlers still work for a caller that was answered long ago, because they ignore their signal. */
  get abandonedCount(): number {
    return this.#abandonedCount
  }

  /** How many of those worked on, by then, when the drain deadline came. */
  get leftCount(): number {
    return this.#leftCount
  }

  /** Notes that a call was answered while its handler works on. Call what is given when the handler has ended. */
  abandon(): () => void {
    this.#abandonedCount += 1
    return () => {
      this.#abandonedCount -= 1
      this.#tellIdle()
    }
  }

  enter(call: Cuttable): void {
    call.place = this.#running.length
    this.#running.push(call)
    if (call.endsAtMs !== undefined) this.#deadlines.expect(call.endsAtMs)
    if (this.#isCut) this.#cut(call)
  }

  leave(call: Cuttable): void {
    if (this.#running[call.place] !== call) return
    const last = this.#running.pop()
    if (last !== undefined && last !== call) {
      last.place = call.place
      this.#running[call.place] = last
    }
    this.#tellIdle()
  }

  /** From here on only work is let in that was accepted before. `shut` comes after it. */
  closeToNew(): void {
    this.#isOpen = false
    this.#isOpenToAccepted = true
    this.#shutting.abort()
  }

  /**
   * From here on new calls are refused; running ones go on. Resolves when none is left, and no handler of one that was answered before works any
   * more; those that do are given up by `cutAll`.
   */
  async shut(): Promise<void> {
    this.#isOpen = false
    this.#isOpenToAccepted = false
    this.#shutting.abort()
    if (!this.#isIdle) await new Promise<void>((resolve) => (this.#idle = resolve))
    this.#deadlines.close()
  }

  /** Ends all running calls as `unavailable`, and what still enters. */
  cutAll(): void {
    this.#leftCount = this.#abandonedCount
    this.#isCut = true
    for (const call of this.#running.slice()) this.#cut(call)
    this.#tellIdle()
  }

  get #isIdle(): boolean {
    return this.#running.length === 0 && (this.#isCut || this.#abandonedCount === 0)
  }

  #tellIdle(): void {
    if (this.#idle !== undefined && this.#isIdle) this.#idle()
  }

  #cut(call: Cuttable): void {
    this.#cutCount += 1
    call.cut(markShutdown(new ServiceError('unavailable', 'the service is shutting down')))
  }
}

/** Of a call that was not begun because the service shuts down. */
export const drainingReason = 'draining'

/** What a call is answered that comes while the service drains: another instance can take it at once. */
export function drainingError(): ServiceError {
  return new ServiceError('unavailable', 'the service is shutting down', {
    reason: drainingReason,
    details: { retryDelayMs: 1000 },
  })
}
