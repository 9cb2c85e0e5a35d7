import type { QueueDriver } from '../queue-driver.ts'
import { requireLine, requireOptions, requireWithin } from './check-option.ts'
import { compileFilter, type LetterFilter } from './letter-filter.ts'
import type { LetterOwner } from './letter-position.ts'
import { visitLetters } from './visit-letters.ts'

export interface CountOptions extends LetterOwner {
  /** Which are counted. @defaultValue all */
  readonly where?: LetterFilter
  /** How long reading may take; what was read by then is counted. @defaultValue 10_000 @remarks Range 1–600_000 ms */
  readonly timeoutMs?: number
}

export interface DeadLetterCount {
  readonly count: number
  /** How many failed with each code. */
  readonly byCode: Readonly<Record<string, number>>
  /** How many have each reason; those without one are under an empty text. */
  readonly byReason: Readonly<Record<string, number>>
  /** When the first and the last of them were given up, in epoch milliseconds; undefined when there is none. */
  readonly oldestAt: number | undefined
  readonly newestAt: number | undefined
  /** Whether all that were there were read in time. */
  readonly isComplete: boolean
}

/**
 * Counts the dead letters of a group, and keeps none of them meanwhile.
 *
 * @param driver One that is connected.
 * @throws ServiceError `not_found` when the group has no dead-letter topic, `unavailable`; `invalid_argument`, `out_of_range` for an option.
 */
export async function countDeadLetters(driver: QueueDriver, options: CountOptions): Promise<DeadLetterCount> {
  requireOptions('countDeadLetters', options, ['topic', 'group', 'where', 'timeoutMs'])
  const { topic, group, where, timeoutMs = 10_000 } = options
  requireLine('topic', topic, 249)
  requireLine('group', group, 249)
  requireWithin('timeoutMs', timeoutMs, { min: 1, max: 600_000 })
  const fits = compileFilter(where)
  const signal = AbortSignal.timeout(timeoutMs)
  const byCode = new Map<string, number>()
  const byReason = new Map<string, number>()
  const failedAt = { oldest: Number.POSITIVE_INFINITY, newest: Number.NEGATIVE_INFINITY }
  let count = 0
  const isComplete = await visitLetters(driver, { topic, group, timeoutMs, signal }, ({ letter }) => {
    if (!fits(letter)) return
    count++
    countIn(byCode, letter.code)
    countIn(byReason, letter.reason ?? '')
    failedAt.oldest = Math.min(failedAt.oldest, letter.lastFailedAt)
    failedAt.newest = Math.max(failedAt.newest, letter.lastFailedAt)
  })
  return {
    count,
    byCode: Object.fromEntries(byCode),
    byReason: Object.fromEntries(byReason),
    oldestAt: count > 0 ? failedAt.oldest : undefined,
    newestAt: count > 0 ? failedAt.newest : undefined,
    isComplete,
  }
}

function countIn(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1)
}
