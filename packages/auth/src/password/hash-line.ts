import { ServiceError } from '@tenon/core'

export interface HashLineLimits {
  readonly maxRunningCount: number
  readonly maxWaitingCount: number
}

/** Runs a few computations at once and lets a few more wait, first come, first served. */
export class HashLine {
  readonly #limits: HashLineLimits
  readonly #waiting = new Set<() => void>()
  #runningCount = 0

  constructor(limits: HashLineLimits) {
    this.#limits = limits
  }

  /**
   * @param signal Gives up waiting; what runs goes on, as nothing can stop it.
   * @throws ServiceError `resource_exhausted` where too many wait; the reason of the signal
   */
  async run<Result>(compute: () => Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted()
    if (this.#runningCount < this.#limits.maxRunningCount) this.#runningCount += 1
    else await this.#wait(signal)
    try {
      return await compute()
    } finally {
      this.#passOn()
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#limits.maxWaitingCount) {
      throw new ServiceError('resource_exhausted', 'too many passwords are being checked', {
        details: { retryDelayMs: 1_000 },
      })
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener('abort', giveUp)
        resolve()
      }
      const giveUp = () => {
        this.#waiting.delete(begin)
        reject(signal?.reason)
      }
      this.#waiting.add(begin)
      signal?.addEventListener('abort', giveUp, { once: true })
    })
  }

  /** Whoever has waited longest takes the place over, so that nobody who comes meanwhile does. */
  #passOn(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#runningCount -= 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
