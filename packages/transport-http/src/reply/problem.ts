import { STATUS_CODES } from 'node:http'
import type { ErrorCode, ServiceError, Violation } from '@tenon/core/transport'
import { isRequestFault, statusOf } from '../http-status.ts'

/**
 * An error as it is sent. Members that are undefined are left out of the JSON.
 *
 * @see RFC 9457 section 3; `about:blank` (section 4.2.1), because `code` and `reason` say what a type would
 */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  /** Path of the request, without its query. */
  readonly instance: string | undefined
  readonly code: ErrorCode
  readonly reason: string | undefined
  readonly errors: readonly Violation[] | undefined
  readonly callId: string | undefined
  /** What else the error says in its details. */
  readonly details: Readonly<Record<string, unknown>> | undefined
}

export const problemType = 'application/problem+json; charset=utf-8'

/** Where an error occurred. */
export interface Occurrence {
  readonly instance?: string | undefined
  readonly callId?: string | undefined
}

/** What a caller is told of an error: never its cause, never a stack. */
export function toProblem(error: ServiceError, { instance, callId }: Occurrence): Problem {
  const status = statusOf(error)
  const { violations, ...details } = error.details ?? {}
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Client Closed Request',
    status,
    detail: error.message,
    instance,
    code: error.code,
    reason: error.reason,
    errors: violations,
    callId,
    details: Object.keys(details).length === 0 ? undefined : details,
  }
}

/**
 * Value of `Retry-After`; undefined where trying again does not help.
 *
 * @see RFC 9110 section 10.2.3: whole seconds
 */
export function retryAfterSeconds(error: ServiceError): number | undefined {
  const { code, details } = error
  const retryDelayMs = details?.retryDelayMs
  if (retryDelayMs !== undefined) return Math.max(1, Math.ceil(retryDelayMs / 1000))
  if (isRequestFault(error)) return undefined
  return code === 'unavailable' || code === 'resource_exhausted' ? defaultRetryAfterSeconds : undefined
}

/** A guess: another instance can usually take the call at once, and a client that comes back sooner only adds load. */
const defaultRetryAfterSeconds = 1
