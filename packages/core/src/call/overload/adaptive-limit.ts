/** What a window of time showed. */
export interface LimitSample {
  /** How many times as long as usual calls took; undefined when too few ended to tell. */
  readonly slowness: number | undefined
  /** How late the event loop was. */
  readonly latenessMs: number
  /** The most calls that ran at a time. */
  readonly peakCount: number
}

export interface AdaptiveLimitSettings {
  /** How much longer than usual calls may take before fewer run at a time. */
  readonly maxLatencyFactor: number
  /** How late the event loop may be before fewer do. */
  readonly maxDelayMs: number
  /** The limit is never below. */
  readonly minConcurrentCalls: number
}

/**
 * How many calls may run at a time: fewer while they take longer the more of them run, more while they do not. A limit that is not in use
 * says nothing, and stays.
 *
 * @see Netflix concurrency-limits, Gradient2Limit: the gradient and its bounds, the square root of the limit as room to grow, and that
 * a limit of which less than half is used stays
 */
export class AdaptiveLimit {
  readonly #settings: AdaptiveLimitSettings
  #value: number

  constructor(settings: AdaptiveLimitSettings) {
    this.#settings = settings
    this.#value = Math.max(firstLimit, settings.minConcurrentCalls)
  }

  get value(): number {
    return this.#value
  }

  /** Whether it is as low as it can be, so that what calls take is none of its doing. */
  get isLowest(): boolean {
    return this.#value === this.#settings.minConcurrentCalls
  }

  /** Whether so many calls at a time tell anything about it. */
  isInUse(peakCount: number): boolean {
    return peakCount >= this.#value / 2
  }

  update({ slowness, latenessMs, peakCount }: LimitSample): void {
    if (!this.isInUse(peakCount)) return
    const { maxLatencyFactor, maxDelayMs, minConcurrentCalls } = this.#settings
    const gradient = Math.min(1, maxLatencyFactor / (slowness ?? 0), maxDelayMs / latenessMs)
    // Where no call ends nothing says that more would; and while they are slow, room would hold the limit above its least, where it is learnt that they are slow for good.
    const room = slowness === undefined || gradient < 1 ? 0 : Math.sqrt(this.#value)
    const next = Math.floor(this.#value * Math.max(steepest, gradient) + room)
    this.#value = Math.max(minConcurrentCalls, next)
  }
}

/** What a service begins with: a guess, from which some tenths of a second lead to any lower limit. */
const firstLimit = 200

/** @see Gradient2Limit: the gradient is bounded by it, lest a limit falls by an outlier */
const steepest = 0.5
