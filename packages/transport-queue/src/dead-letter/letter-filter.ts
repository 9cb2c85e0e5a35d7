import { errorCodes, type ErrorCode, isErrorCode, isRecord } from '@tenon/core/transport'
import { asBuffer } from '../bytes.ts'
import { foundText, malformed, requireLine, requireNames, requireWithin } from './check-option.ts'
import type { DeadLetter } from './dead-letter.ts'

/** Which letters are meant: those that fit all that is said. What is left out fits all. */
export interface LetterFilter {
  /** Given up at this moment or later, in epoch milliseconds: their last failure counts. */
  readonly failedFromAt?: number
  /** Given up before this moment, in epoch milliseconds. */
  readonly failedBeforeAt?: number
  /** What they failed with. */
  readonly code?: ErrorCode
  /** The service's own word for it, or one of ours: `undecodable`, `expired`. */
  readonly reason?: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler?: string
  /** The message's key: bytes, text in UTF-8, or null for messages without one. */
  readonly key?: string | Uint8Array | null
}

export type LetterTest = (letter: DeadLetter) => boolean

/**
 * Makes a filter ready for many letters.
 *
 * @param name What it was given as, for errors.
 * @throws ServiceError `invalid_argument`, `out_of_range` that name the field
 */
export function compileFilter(filter: LetterFilter = {}, name = 'where'): LetterTest {
  check(filter, name)
  const { failedFromAt = Number.NEGATIVE_INFINITY, failedBeforeAt = Number.POSITIVE_INFINITY } = filter
  const { code, reason, handler } = filter
  const isTimeless = filter.failedFromAt === undefined && filter.failedBeforeAt === undefined
  const hasKey = keyTest(filter.key)
  return (letter) =>
    (isTimeless || (letter.lastFailedAt >= failedFromAt && letter.lastFailedAt < failedBeforeAt)) &&
    (code === undefined || letter.code === code) &&
    (reason === undefined || letter.reason === reason) &&
    (handler === undefined || letter.handler === handler) &&
    hasKey(letter)
}

/** The filter as JSON, for those who read of it later. A key that is no text is base64. */
export function describeFilter({ key, ...rest }: LetterFilter): Readonly<Record<string, unknown>> {
  if (key === undefined || key === null || typeof key === 'string')
    return { ...rest, ...(key !== undefined && { key }) }
  return { ...rest, keyBase64: asBuffer(key).toString('base64') }
}

const names = ['failedFromAt', 'failedBeforeAt', 'code', 'reason', 'handler', 'key']
const moments = { min: 0, max: 8_640_000_000_000_000 }

function check(filter: unknown, name: string): void {
  if (!isRecord(filter)) throw malformed(`${name} must be an object, found ${foundText(filter)}`)
  requireNames(name, filter, names)
  const { failedFromAt, failedBeforeAt, code, reason, handler, key } = filter
  if (failedFromAt !== undefined) requireWithin(`${name}.failedFromAt`, failedFromAt, moments)
  if (failedBeforeAt !== undefined) requireWithin(`${name}.failedBeforeAt`, failedBeforeAt, moments)
  if (code !== undefined && !(typeof code === 'string' && isErrorCode(code)))
    throw malformed(`${name}.code must be one of ${Object.keys(errorCodes).join(', ')}, found ${foundText(code)}`)
  if (reason !== undefined) requireLine(`${name}.reason`, reason, longestText)
  if (handler !== undefined) requireLine(`${name}.handler`, handler, longestText)
  if (key === undefined || key === null || typeof key === 'string' || key instanceof Uint8Array) return
  throw malformed(`${name}.key must be text, bytes or null, found ${foundText(key)}`)
}

/** A letter tells no longer reason. */
const longestText = 1_000

function keyTest(wanted: LetterFilter['key']): LetterTest {
  if (wanted === undefined) return () => true
  if (wanted === null) return ({ key, isKeyOmitted }) => key === null && !isKeyOmitted
  const bytes = typeof wanted === 'string' ? Buffer.from(wanted) : wanted
  return ({ key }) => key !== null && asBuffer(key).equals(bytes)
}
