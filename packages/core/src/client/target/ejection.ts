import type { PolicyClock } from '../policy/policy-clock.ts'
import type { EjectionSettings } from './ejection-options.ts'
import type { Outcome } from './outcome.ts'
import type { Target } from './target.ts'

/** Why an instance is given no calls: it failed several in a row, or many more than others do. */
export type EjectionReason = 'consecutive_failures' | 'success_rate'

/** Is told when an instance is taken out, and when it is let in again. */
export interface EjectionListener {
  ejected(target: Target, reason: EjectionReason): void
  returned(target: Target): void
}

interface EjectionSurroundings {
  readonly listener: EjectionListener
  readonly clock: Pick<PolicyClock, 'random'>
}

/** What is known of the failures of one instance. */
interface Record {
  failureStreak: number
  ejectionCount: number
  returnedAtMs: number
  callCount: number
  failureCount: number
}

/**
 * Takes out the instances that fail their calls, for a while that grows with each time. Nothing runs by itself: it is asked when a call
 * is due, and told when one is over.
 *
 * @see Envoy, "Outlier detection"
 */
export class Ejection {
  readonly #settings: EjectionSettings
  readonly #listener: EjectionListener
  readonly #clock: Pick<PolicyClock, 'random'>
  readonly #records = new WeakMap<Target, Record>()
  #targets: readonly Target[] = []
  #nextReturnAtMs = Number.POSITIVE_INFINITY
  #nextReviewAtMs = Number.NEGATIVE_INFINITY

  constructor(settings: EjectionSettings, { listener, clock }: EjectionSurroundings) {
    this.#settings = settings
    this.#listener = listener
    this.#clock = clock
  }

  /** The instances that there are from now on. */
  use(targets: readonly Target[]): void {
    this.#targets = targets
    this.#expectReturns()
  }

  /** Lets in again those whose time is over. */
  letReturn(nowMs: number): void {
    if (nowMs < this.#nextReturnAtMs) return
    for (const target of this.#targets) {
      if (target.ejectedUntilMs === undefined || target.ejectedUntilMs > nowMs) continue
      target.ejectedUntilMs = undefined
      // It has to show first that it is well: one more failure takes it out again.
      const failureStreak = this.#settings.consecutiveFailureCount - 1
      Object.assign(this.#recordOf(target), { failureStreak, returnedAtMs: nowMs })
      this.#listener.returned(target)
    }
    this.#expectReturns()
  }

  /** Lets in all, with nothing against them. */
  forgive(): void {
    for (const target of this.#targets) {
      this.#records.delete(target)
      if (target.ejectedUntilMs === undefined) continue
      target.ejectedUntilMs = undefined
      this.#listener.returned(target)
    }
    this.#nextReturnAtMs = Number.POSITIVE_INFINITY
  }

  /** A call is over. */
  note(target: Target, outcome: Outcome, nowMs: number): void {
    if (outcome !== 'answered' && outcome !== 'failed') return
    const record = this.#recordOf(target)
    const hasFailed = outcome === 'failed'
    record.callCount += 1
    record.failureCount += hasFailed ? 1 : 0
    record.failureStreak = hasFailed ? record.failureStreak + 1 : 0
    if (record.failureStreak >= this.#settings.consecutiveFailureCount)
      this.#eject(target, 'consecutive_failures', nowMs)
    if (nowMs >= this.#nextReviewAtMs) this.#review(nowMs)
  }

  /** Compares all that had enough calls since the last time. */
  #review(nowMs: number): void {
    this.#nextReviewAtMs = nowMs + reviewMs
    const records = this.#targets.map((target) => ({ target, record: this.#recordOf(target) }))
    const judged = records.filter(({ record }) => record.callCount >= leastCallCount)
    const rates = judged.map(({ record }) => 1 - record.failureCount / record.callCount)
    for (const { record } of records) Object.assign(record, { callCount: 0, failureCount: 0 })
    if (judged.length < leastJudgedCount) return
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
    const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length
    const least = mean - this.#settings.deviationFactor * Math.sqrt(variance)
    for (const [place, { target }] of judged.entries())
      if ((rates[place] ?? 1) < least) this.#eject(target, 'success_rate', nowMs)
  }

  #eject(target: Target, reason: EjectionReason, nowMs: number): void {
    if (target.ejectedUntilMs !== undefined || !this.#mayEject(target)) return
    const { baseMs, maxMs } = this.#settings
    const record = this.#recordOf(target)
    const calmCount = Math.floor((nowMs - record.returnedAtMs) / baseMs)
    record.ejectionCount = Math.max(0, record.ejectionCount - Math.max(0, calmCount)) + 1
    const outMs = baseMs * record.ejectionCount * (1 + jitterRatio * this.#clock.random())
    target.ejectedUntilMs = nowMs + Math.min(maxMs, outMs)
    this.#nextReturnAtMs = Math.min(this.#nextReturnAtMs, target.ejectedUntilMs)
    this.#listener.ejected(target, reason)
  }

  /** One that is known no more does not matter, and somebody must remain. */
  #mayEject(target: Target): boolean {
    const { length } = this.#targets
    const outCount = this.#targets.filter(({ ejectedUntilMs }) => ejectedUntilMs !== undefined).length + 1
    return this.#targets.includes(target) && outCount <= length * this.#settings.maxShareRatio && outCount < length
  }

  #expectReturns(): void {
    const ends = this.#targets.map(({ ejectedUntilMs = Number.POSITIVE_INFINITY }) => ejectedUntilMs)
    this.#nextReturnAtMs = ends.reduce((least, end) => Math.min(least, end), Number.POSITIVE_INFINITY)
  }

  #recordOf(target: Target): Record {
    const known = this.#records.get(target)
    if (known) return known
    const record: Record = {
      failureStreak: 0,
      ejectionCount: 0,
      returnedAtMs: Number.NEGATIVE_INFINITY,
      callCount: 0,
      failureCount: 0,
    }
    this.#records.set(target, record)
    return record
  }
}

/** So that not all clients come back at once, nor always in the same moment of what fails by a beat of its own. A guess. */
const jitterRatio = 0.25

/** @see Envoy: `interval`, `success_rate_request_volume`, `success_rate_minimum_hosts` */
const reviewMs = 10_000
const leastCallCount = 100
const leastJudgedCount = 5
