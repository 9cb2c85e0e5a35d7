import { STATUS_CODES } from 'node:http'
import type { ErrorCode, ServiceError, Violation } from '@tenon/core/transport'
import { isRequestFault, statusOf } from '../http-status.ts'
import { acceptRatio } from './accept.ts'

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

/** The type a problem is sent as: its own, unless the caller takes JSON and not this. A problem is never kept back. */
export function problemTypeFor(accept: string | undefined): string {
  if (accept === undefined || accept === '*/*' || (acceptRatio(accept, 'application/problem+json') ?? 0) > 0)
    return problemType
  return (acceptRatio(accept, 'application/json') ?? 0) > 0 ? 'application/json; charset=utf-8' : problemType
}

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
 * What a reply says of a problem beside its document.
 *
 * @see RFC 9110 section 15.5.16 on what would have been taken, RFC 5789 section 3.1 on `Accept-Patch`, W3C LDP section 7.1 on
 * `Accept-Post`
 */
export function problemHeaders(error: ServiceError, method: string): Readonly<Record<string, string>> {
  const retryAfter = retryAfterSeconds(error)
  const isUnsupported = isRequestFault(error) && error.reason === 'unsupported_media_type'
  const { accept, acceptEncoding } = isUnsupported ? (error.details ?? {}) : {}
  const accepts = ['accept', ...(method === 'POST' || method === 'PATCH' ? [`accept-${method.toLowerCase()}`] : [])]
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...(typeof accept === 'string' && Object.fromEntries(accepts.map((name) => [name, accept]))),
    ...(typeof acceptEncoding === 'string' && { 'accept-encoding': acceptEncoding }),
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
