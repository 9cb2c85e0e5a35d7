export interface TokenBucketOptions {
  /** How many may go at once. */
  readonly burst: number
  /** How long it takes until one more may. */
  readonly refillMs: number
}

/** Lets a few through at once, and then one now and then. */
export class TokenBucket {
  readonly #options: TokenBucketOptions
  #tokenCount: number
  #countedAtMs: number | undefined

  constructor(options: TokenBucketOptions) {
    this.#options = options
    this.#tokenCount = options.burst
  }

  /** Takes one; how long to wait before it may be used, in milliseconds. The time is that of a clock that is never set. */
  take(nowMs: number): number {
    const { burst, refillMs } = this.#options
    const grown = this.#tokenCount + (nowMs - (this.#countedAtMs ?? nowMs)) / refillMs
    this.#countedAtMs = nowMs
    this.#tokenCount = Math.min(burst, grown) - 1
    return Math.max(0, -this.#tokenCount * refillMs)
  }
}
