import type { ErrorCode } from '../../../error/error-code.ts'
import { ServiceError } from '../../../error/service-error.ts'
import { markNotSent } from '../../not-sent.ts'
import type { PolicyClock } from '../policy-clock.ts'
import { RecentCount } from '../recent-count.ts'
import type { PolicyParts, Stage } from '../stage.ts'

/** Whether a remote, or an instance, takes what is asked of it: `closed`, or some of its calls are refused before they are sent: `open`. */
export type BreakerState = 'closed' | 'open'

/** What a breaker goes by, over its window of time. */
export interface BreakerFacts {
  /** As it was told last; one that nobody calls over stays what it is. */
  readonly state: BreakerState
  /** The part of the calls that is refused now, 0–0.8. */
  readonly refusedRatio: number
  /** Those that it refused among them. */
  readonly askedCount: number
  readonly takenCount: number
}

export interface BreakerOptions {
  readonly clock: PolicyClock
  readonly onChange: (state: BreakerState) => void
  /** Over which time it looks. @defaultValue 1_500 */
  readonly windowMs?: number
}

/**
 * Refuses calls of a remote, or of one of its instances, in the proportion in which it fails them: none while it takes half of them, four
 * fifths when it takes none. What it takes again lets more through, so that load comes back by and by.
 *
 * @see Google SRE book, chapter 21, Handling Overload: client-side throttling
 */
export class Breaker {
  readonly #clock: PolicyClock
  readonly #onChange: (state: BreakerState) => void
  /** Those that were refused here among them. */
  readonly #asked: RecentCount
  readonly #taken: RecentCount
  readonly #windowMs: number
  #refusedAtMs = Number.NEGATIVE_INFINITY
  #state: BreakerState = 'closed'

  constructor({ clock, onChange, windowMs = defaultWindowMs }: BreakerOptions) {
    this.#clock = clock
    this.#onChange = onChange
    this.#windowMs = windowMs
    this.#asked = new RecentCount({ windowMs, bucketCount })
    this.#taken = new RecentCount({ windowMs, bucketCount })
  }

  get facts(): BreakerFacts {
    const nowMs = this.#clock.nowMs()
    return {
      state: this.#state,
      refusedRatio: Math.max(0, Math.round(this.#refusedRatio(nowMs) * 1_000) / 1_000),
      askedCount: this.#asked.total(nowMs),
      takenCount: this.#taken.total(nowMs),
    }
  }

  /** Whether a call is refused; it counts as asked then. */
  refuses(nowMs = this.#clock.nowMs()): boolean {
    const ratio = this.#refusedRatio(nowMs)
    if (ratio <= 0 || this.#clock.random() >= ratio) {
      if (this.#state === 'open' && nowMs - this.#refusedAtMs >= this.#windowMs) this.#become('closed')
      return false
    }
    this.#asked.add(nowMs)
    this.#refusedAtMs = nowMs
    if (this.#state === 'closed') this.#become('open')
    return true
  }

  /** What became of a call that was sent: undefined when it succeeded. */
  note(error: unknown): void {
    const answer = error === undefined ? 'taken' : ServiceError.is(error) ? meaning[error.code] : 'unknown'
    if (answer === 'taken') this.noteTaken(this.#clock.nowMs())
    if (answer === 'not_taken') this.noteFailed(this.#clock.nowMs())
  }

  noteTaken(nowMs: number): void {
    this.#asked.add(nowMs)
    this.#taken.add(nowMs)
  }

  noteFailed(nowMs: number): void {
    this.#asked.add(nowMs)
  }

  /** Nobody is called over it any more, so that it counts as closed. */
  leave(): void {
    if (this.#state === 'open') this.#become('closed')
  }

  #refusedRatio(nowMs: number): number {
    const askedCount = this.#asked.total(nowMs)
    if (askedCount < leastAskedCount) return 0
    return Math.min(largestRatio, (askedCount - multiplier * this.#taken.total(nowMs)) / (askedCount + 1))
  }

  #become(state: BreakerState): void {
    this.#state = state
    this.#onChange(state)
  }
}

/** Puts a breaker around what sends calls. */
export function breakerStage(breaker: Breaker, { contract, closing, note }: PolicyParts, next: Stage): Stage {
  return async (asked) => {
    if (!closing.aborted && breaker.refuses()) {
      note({ operation: asked.operation.name, decision: 'breaker_refused' })
      const message = `${contract} fails so many calls that this one was not sent`
      throw markNotSent(new ServiceError('unavailable', message, { reason: 'breaker_open' }))
    }
    try {
      const answer = await next(asked)
      breaker.note(undefined)
      return answer
    } catch (error) {
      breaker.note(error)
      throw error
    }
  }
}

/** Short, so that what is over is forgotten soon. @see go-zero, core/breaker: 10 s in 40 buckets; SRE book: 2 minutes */
const defaultWindowMs = 1_500
const bucketCount = 10
/** How many calls are let through for each one that is taken. @see Google SRE book, chapter 21: K = 2 */
const multiplier = 2
/** Fewer say nothing of a remote. A guess. */
const leastAskedCount = 20
/**
 * Some calls always go through, or a remote that comes back would be noticed by one call in one and a half seconds, and would have all of them again
 * after some eight seconds at 1,000 calls a second. With a fifth it takes less than five seconds at any rate; measured in `breaker.test.ts`.
 */
const largestRatio = 0.8

/** What a failure says of a remote: that it took the call, that it did not, or nothing. */
const meaning = {
  cancelled: 'unknown',
  unknown: 'taken',
  invalid_argument: 'taken',
  deadline_exceeded: 'not_taken',
  not_found: 'taken',
  already_exists: 'taken',
  permission_denied: 'taken',
  resource_exhausted: 'not_taken',
  failed_precondition: 'taken',
  aborted: 'taken',
  out_of_range: 'taken',
  unimplemented: 'taken',
  internal: 'taken',
  unavailable: 'not_taken',
  data_loss: 'taken',
  unauthenticated: 'taken',
} as const satisfies Record<ErrorCode, 'taken' | 'not_taken' | 'unknown'>
