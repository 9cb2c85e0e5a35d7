import { AsyncLocalStorage } from 'node:async_hooks'
import { ServiceError } from '../../error/service-error.ts'
import type { OutgoingCall } from '../client-transport.ts'

/** A call that is under way inside the process: what may end it early, for who calls and for who serves. */
export class LocalCall implements Disposable {
  readonly timeoutMs: number | undefined
  /** Runs what belongs to the caller as if it ran where the call began. */
  readonly inCaller: <Result>(step: () => Result) => Result = AsyncLocalStorage.snapshot()
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #onLeave: (call: LocalCall) => void

  constructor({ signal, timeoutMs }: OutgoingCall, onLeave: (call: LocalCall) => void) {
    this.timeoutMs = timeoutMs
    this.#onLeave = onLeave
    this.#caller = signal
    signal?.addEventListener('abort', this.#cancelled, { once: true })
    if (timeoutMs !== undefined) this.#timer = setTimeout(this.#late, Math.min(timeoutMs, longestTimerMs))
  }

  /** Fires with what the call fails with. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Ends the call, unless it has ended. */
  end(error: ServiceError): void {
    this.#controller.abort(error)
  }

  /** What the work comes to. @throws what the call was ended with */
  orEnd<Result>(work: Promise<Result>): Promise<Result> {
    const { signal } = this
    return new Promise((resolve, reject) => {
      const ended = () => reject(signal.reason as ServiceError)
      if (signal.aborted) ended()
      else signal.addEventListener('abort', ended, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', ended))
    })
  }

  /** Nothing is waited for any more; who still works for the call is told. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#caller?.removeEventListener('abort', this.#cancelled)
    this.end(left)
    this.#onLeave(this)
  }

  readonly #cancelled = (): void =>
    this.end(new ServiceError('cancelled', 'the call was cancelled', { cause: this.#caller?.reason }))

  readonly #late = (): void => this.end(new ServiceError('deadline_exceeded', 'the remote did not answer in time'))
}

/** Made once: nobody gets to see it, and a stack for each call costs. */
const left = new ServiceError('cancelled', 'the caller left')

/** @see Node, setTimeout: what is longer fires at once */
const longestTimerMs = 2_147_483_647
