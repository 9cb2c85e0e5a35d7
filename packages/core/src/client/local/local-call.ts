import { AsyncLocalStorage } from 'node:async_hooks'
import { ServiceError } from '../../error/service-error.ts'
import type { OutgoingCall } from '../client-transport.ts'

/** A call that is under way inside the process: what may end it early, for who calls and for who serves. */
export class LocalCall {
  readonly timeoutMs: number | undefined
  /** Runs what belongs to the caller as if it ran where the call began. */
  readonly inCaller: <Result>(step: () => Result) => Result = AsyncLocalStorage.snapshot()
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #onEnd: (call: LocalCall) => void

  constructor({ signal, timeoutMs }: OutgoingCall, onEnd: (call: LocalCall) => void) {
    this.timeoutMs = timeoutMs
    this.#onEnd = onEnd
    this.#caller = signal
    signal?.addEventListener('abort', this.#cancelled, { once: true })
    if (timeoutMs !== undefined) this.#timer = setTimeout(this.#late, Math.min(timeoutMs, longestTimerMs))
  }

  /** Fires when the call is over: early with what it fails with, else with what nobody gets to see. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends the call, unless it has ended: who serves it is told, also while its caller asks for nothing. */
  end(error: ServiceError): void {
    if (this.signal.aborted) return
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#cancelled)
    this.#controller.abort(error)
    this.#onEnd(this)
  }

  /** Runs the step once, when the call is over; at once where it is. */
  whenOver(step: () => void): void {
    if (this.signal.aborted) step()
    else this.signal.addEventListener('abort', step, { once: true })
  }

  /** What the work comes to. @throws what the call was ended with */
  orEnd<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this
    return new Promise((resolve, reject) => {
      const ended = () => reject(signal.reason as ServiceError)
      this.whenOver(ended)
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', ended))
    })
  }

  /** Nothing is waited for any more. */
  leave(): void {
    this.end(left)
  }

  readonly #cancelled = (): void =>
    this.end(new ServiceError('cancelled', 'the call was cancelled', { cause: this.#caller?.reason }))

  readonly #late = (): void => this.end(new ServiceError('deadline_exceeded', 'the remote did not answer in time'))
}

/** Made once: nobody gets to see it, and a stack for each call costs. */
const left = new ServiceError('cancelled', 'the caller left')

/** @see Node, setTimeout: what is longer fires at once */
const longestTimerMs = 2_147_483_647
