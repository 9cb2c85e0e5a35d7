import { LifecycleError } from '../../error/setup-error.ts'
import { isAnswerTo } from '../../handler/is-answer-to.ts'

/** The wish that a service stops: when it was made, until when it must be done, and what of a start it lets end. */
export class StopRequest {
  readonly #name: string
  readonly #timeoutMs: number
  readonly #controller = new AbortController()
  readonly #overdue = Promise.withResolvers<never>()
  #endsAtMs: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  #step = ''

  constructor(serviceName: string, timeoutMs: number) {
    this.#name = serviceName
    this.#timeoutMs = timeoutMs
    this.#overdue.promise.catch(() => undefined)
  }

  /** Fires when the request is made; its reason is the error of a start that ends by it. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** The one deadline over the shutdown, on the clock of `performance.now()`; it counts from when this is first asked for. */
  get endsAtMs(): number {
    this.#endsAtMs ??= performance.now() + this.#timeoutMs
    return this.#endsAtMs
  }

  /** Only the first request counts. */
  make(reason: Error = stopped(`service ${this.#name} was asked to stop before it was ready`)): void {
    if (this.signal.aborted) return
    const leftMs = this.endsAtMs - performance.now()
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#giveUpStep(), leftMs * (1 - undoShare))
    this.#controller.abort(reason)
  }

  /** As `make`, but the step that runs is not waited for. */
  giveUp(reason: Error): void {
    this.make(reason)
    this.#overdue.reject(reason)
  }

  /**
   * Runs a step of a start. After a request it may still end; one that gives up because of it has not failed.
   *
   * @throws what the step throws; the reason of the request when it gives up, or is given up, because of that; LifecycleError
   * `service.stopped` when it does not end in time after a request.
   */
  async letEnd<Result>(name: string, run: () => Result | Promise<Result>): Promise<Result> {
    this.#step = name
    try {
      return await Promise.race([run(), this.#overdue.promise])
    } catch (error) {
      throw isAnswerTo(this.signal, error) ? this.signal.reason : error
    }
  }

  /** The start is over: a request has nothing to give up any more. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #giveUpStep(): void {
    const message = `service ${this.#name} was asked to stop before it was ready, and "${this.#step}" did not end in time`
    this.#overdue.reject(stopped(message))
  }
}

/** Part of the shutdown's time that is kept for undoing what had started. A guess: nothing runs then. */
const undoShare = 0.2

function stopped(message: string): LifecycleError {
  return new LifecycleError([{ code: 'service.stopped', message }])
}
