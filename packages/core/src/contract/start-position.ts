import { isRecord, toFound } from '../error/given-value.ts'
import type { SetupProblem } from '../error/setup-error.ts'
import { isTimestampText, toTimestampText } from '../schema/native/timestamp.ts'

/**
 * Where the reading of a topic begins: at the oldest message that is kept, behind the newest, or at the first whose timestamp
 * is not before a moment, given as a text of RFC 3339 or a `Date`.
 */
export type StartPosition = 'earliest' | 'latest' | { readonly at: string | Date }

/** The same as it was understood. */
export type ConsumerStart = 'earliest' | 'latest' | { readonly startAt: number }

/** What is wrong with a position that was given, whatever it is. */
export function checkStart(where: string, given: unknown): readonly SetupProblem[] {
  if (given === 'earliest' || given === 'latest') return []
  if (isRecord(given) && Object.keys(given).join() === 'at' && !Number.isNaN(toMoment(given['at']))) return []
  const found = isRecord(given) && 'at' in given ? `at: ${toFound(given['at'])}` : toFound(given)
  const message = `${where} must be earliest, latest or { at } with a moment of RFC 3339 such as 2026-01-31T12:00:00Z, found ${found}`
  return [{ code: 'contract.setting', message }]
}

/** Of a position that `checkStart` finds nothing wrong with. */
export function toStart(given: StartPosition): ConsumerStart {
  return typeof given === 'string' ? given : Object.freeze({ startAt: toMoment(given.at) })
}

/** In epoch milliseconds; not a number for what is no moment, or one before 1970. */
function toMoment(given: unknown): number {
  if (given instanceof Date) return given.getTime() >= 0 ? given.getTime() : Number.NaN
  if (typeof given !== 'string') return Number.NaN
  const text = toTimestampText(given)
  const at = isTimestampText(text) ? Date.parse(text) : Number.NaN
  return at >= 0 ? at : Number.NaN
}
