import type { OutgoingCall } from '@tenon/core/client'
import { ServiceError } from '@tenon/core/transport'

/** A call that is under way: one signal for all that may end it early. */
export class RunningCall {
  /** On the clock of `performance.now()`; undefined without a deadline. */
  readonly #endsAtMs: number | undefined
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #onLeave: (call: RunningCall) => void

  constructor({ signal }: OutgoingCall, timeoutMs: number | undefined, onLeave: (call: RunningCall) => void) {
    this.#endsAtMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs
    this.#onLeave = onLeave
    this.#caller = signal
    signal?.addEventListener('abort', this.#cancelled, { once: true })
    if (timeoutMs !== undefined) this.#timer = setTimeout(this.#late, Math.min(timeoutMs, longestTimerMs))
  }

  get hasDeadline(): boolean {
    return this.#endsAtMs !== undefined
  }

  /** What is left of the time until the deadline; undefined without one. */
  get remainingMs(): number | undefined {
    return this.#endsAtMs === undefined ? undefined : Math.max(0, this.#endsAtMs - performance.now())
  }

  /** Fires with what the call fails with. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends the call, unless it has ended. */
  end(error: unknown): void {
    this.#controller.abort(error)
  }

  /** Nothing is waited for any more. Safe to call twice. */
  leave(): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#cancelled)
    this.#onLeave(this)
  }

  readonly #cancelled = (): void =>
    this.end(new ServiceError('cancelled', 'the call was cancelled', { cause: this.#caller?.reason }))

  readonly #late = (): void => this.end(new ServiceError('deadline_exceeded', 'the remote did not answer in time'))
}

/** @see Node, setTimeout: what is longer fires at once */
const longestTimerMs = 2_147_483_647
