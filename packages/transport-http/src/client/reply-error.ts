import type { IncomingHttpHeaders } from 'node:http'
import { type ErrorCode, type ErrorDetails, isErrorCode, ServiceError, type Violation } from '@tenon/core/transport'
import type { ReplyHead } from './exchange.ts'

/**
 * What a status stands for when the reply does not name a code itself, because a proxy or another framework wrote it. Any other
 * status counts as the first of its hundred.
 *
 * @see RFC 9110 section 15 for that rule, and google.rpc.Code, whose comments name the HTTP mapping of each code
 */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  300: 'unknown',
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'unimplemented',
  408: 'deadline_exceeded',
  409: 'aborted',
  410: 'not_found',
  412: 'failed_precondition',
  413: 'resource_exhausted',
  416: 'out_of_range',
  429: 'resource_exhausted',
  499: 'cancelled',
  500: 'internal',
  501: 'unimplemented',
  502: 'unavailable',
  503: 'unavailable',
  504: 'deadline_exceeded',
}

/** The error that a reply with a status outside 200–299 stands for. */
export function toReplyError({ status, headers }: ReplyHead, body: Buffer): ServiceError {
  const problem = isProblem(headers) ? parseObject(body) : undefined
  if (problem && isCode(problem['code'])) return fromProblem(problem, problem['code'])
  const code = codeOfStatus[status] ?? codeOfStatus[Math.trunc(status / 100) * 100] ?? 'unknown'
  const location = status >= 300 && status < 400 ? textOf(headers.location) : undefined
  const retryDelayMs = retryDelayOf(headers)
  const details: ErrorDetails = {
    ...(location !== undefined && { location }),
    ...(retryDelayMs !== undefined && { retryDelayMs }),
  }
  const message = problem === undefined ? undefined : (textOf(problem['detail']) ?? textOf(problem['title']))
  return new ServiceError(code, message ?? `the remote answered with status ${status}`, {
    reason: `http_${status}`,
    ...(Object.keys(details).length > 0 && { details }),
  })
}

/** The error of the record that ends a failed stream; undefined for a record that is none. */
export function fromErrorRecord(record: unknown): ServiceError | undefined {
  if (!isObject(record) || Object.keys(record).length !== 1) return undefined
  const { error } = record
  if (!isObject(error) || typeof error['status'] !== 'number' || !isCode(error['code'])) return undefined
  return fromProblem(error, error['code'])
}

/** A problem document of a Tenon service: what it does not say of a retry delay, `Retry-After` has only guessed. */
function fromProblem(problem: Readonly<Record<string, unknown>>, code: ErrorCode): ServiceError {
  const reason = textOf(problem['reason'])
  const details: ErrorDetails = {
    ...(isObject(problem['details']) && problem['details']),
    ...(Array.isArray(problem['errors']) && { violations: problem['errors'] as readonly Violation[] }),
  }
  return new ServiceError(code, textOf(problem['detail']) ?? '', {
    ...(reason !== undefined && { reason }),
    ...(Object.keys(details).length > 0 && { details }),
  })
}

/** @see RFC 9457 section 3 */
function isProblem(headers: IncomingHttpHeaders): boolean {
  return /^application\/problem\+json\s*(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** Milliseconds; undefined where nothing is said, or nothing that can be read. @see RFC 9110 section 10.2.3: seconds, or a date */
function retryDelayOf(headers: IncomingHttpHeaders): number | undefined {
  const text = textOf(headers['retry-after'])?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const atMs = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - Date.now())
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString())
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && isErrorCode(value)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
