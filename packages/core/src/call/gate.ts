import { ServiceError } from '../error/service-error.ts'

/** Something that runs and can be cut. */
export interface Cuttable {
  /** Ends it with the error. */
  cut(error: ServiceError): void
}

/** Lets calls in until the service drains, and knows those that run. */
export class Gate {
  readonly #running = new Set<Cuttable>()
  #isOpen = true
  #cutCount = 0

  get isOpen(): boolean {
    return this.#isOpen
  }

  get runningCount(): number {
    return this.#running.size
  }

  /** How many calls were cut because the drain deadline came. */
  get cutCount(): number {
    return this.#cutCount
  }

  /** From here on new calls are refused; running ones go on. */
  shut(): void {
    this.#isOpen = false
  }

  enter(call: Cuttable): void {
    this.#running.add(call)
  }

  leave(call: Cuttable): void {
    this.#running.delete(call)
  }

  /** Ends all running calls as `unavailable`. */
  cutAll(): void {
    this.#cutCount += this.#running.size
    for (const call of this.#running) call.cut(new ServiceError('unavailable', 'the service is shutting down'))
  }
}

/** What a call is answered that comes while the service drains: another instance can take it at once. */
export function drainingError(): ServiceError {
  return new ServiceError('unavailable', 'the service is shutting down', {
    reason: 'draining',
    details: { retryDelayMs: 1000 },
  })
}
