import type { SetupProblem } from '../../../error/setup-error.ts'
import type { OptionCheck } from '../../../error/option-check.ts'
import { givenOnly, toFound } from '../../../error/given-value.ts'
import type { PolicyClock } from '../policy-clock.ts'
import { RecentCount } from '../recent-count.ts'

/** How many attempts of a remote may be additional ones: repeats and hedges. */
export interface BudgetPolicy {
  /**
   * Additional attempts within the last ten seconds, as a share of the calls in them.
   *
   * @defaultValue 0.1
   * @remarks Range 0–1
   */
  readonly ratio?: number
  /**
   * What is allowed where calls are few: so many additional attempts in a second, over the same ten seconds.
   *
   * @defaultValue 1
   * @remarks Range 0–1_000
   */
  readonly minPerSecond?: number
}

export type BudgetSettings = Required<BudgetPolicy>

/** What is left of a budget, over ten seconds. */
export interface BudgetFacts {
  readonly callCount: number
  /** Additional attempts that were made. */
  readonly spentCount: number
  /** Additional attempts that there may be, as calls are now. */
  readonly allowedCount: number
}

/**
 * A share, so that what fails everywhere is not asked much more often than what works.
 *
 * @see Google SRE book, chapter 21, Handling Overload: a per-client retry budget of 10 %
 */
export const budgetDefaults: BudgetSettings = Object.freeze({ ratio: 0.1, minPerSecond: 1 })

export function resolveBudget(given: BudgetPolicy = {}): BudgetSettings {
  return Object.freeze({ ...budgetDefaults, ...givenOnly(given) })
}

export function checkBudget(check: OptionCheck, budget: BudgetPolicy): readonly SetupProblem[] {
  const { ratio } = budget
  const isRatio = ratio === undefined || (typeof ratio === 'number' && ratio >= 0 && ratio <= 1)
  return [
    ...check.names(budget, Object.keys(budgetDefaults), 'policy.budget'),
    ...(isRatio ? [] : [check.outOfRange(`policy.budget.ratio must be from 0 to 1, found ${toFound(ratio)}`)]),
    ...check.integer('policy.budget.minPerSecond', budget.minPerSecond, { min: 0, max: 1_000 }),
  ]
}

/**
 * Holds additional attempts within a share of the calls, whoever of a remote's callers makes them. The minimum is no addition to the
 * share: whichever is more counts, so that in any ten seconds with enough calls no more than the share comes on top.
 */
export class RetryBudget {
  readonly #settings: BudgetSettings
  readonly #clock: PolicyClock
  readonly #calls = new RecentCount(budgetWindow)
  readonly #extra = new RecentCount(budgetWindow)

  constructor(settings: BudgetSettings, clock: PolicyClock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** There was one more call. */
  noteCall(): void {
    this.#calls.add(this.#clock.nowMs())
  }

  /** Takes an additional attempt out of the budget; false where there is none left. */
  spend(): boolean {
    const nowMs = this.#clock.nowMs()
    if (this.#extra.total(nowMs) + 1 > this.#allowedCount(nowMs)) return false
    this.#extra.add(nowMs)
    return true
  }

  get facts(): BudgetFacts {
    const nowMs = this.#clock.nowMs()
    return {
      callCount: this.#calls.total(nowMs),
      spentCount: this.#extra.total(nowMs),
      allowedCount: Math.floor(this.#allowedCount(nowMs)),
    }
  }

  #allowedCount(nowMs: number): number {
    const { ratio, minPerSecond } = this.#settings
    return Math.max(ratio * this.#calls.total(nowMs), (minPerSecond * budgetWindow.windowMs) / 1_000)
  }
}

/** @see Finagle, RetryBudget: a ttl of ten seconds */
const budgetWindow = { windowMs: 10_000, bucketCount: 10 }
