import { type ErrorCode, errorCodes } from './error-code.ts'

/** One thing that is wrong with an input, said the same way on every transport. */
export interface Violation {
  /**
   * Where it is wrong, as a JSON pointer into the input; empty for the input as a whole.
   *
   * @see RFC 6901
   */
  readonly field: string
  /** What was expected, in words for a person. Never contains the value. */
  readonly message: string
  /** The JSON Schema keyword that was broken (`required`, `type`, `minLength`, …), or `custom` for a library's own rule. */
  readonly rule: string
}

/** Machine-readable facts about a failure that are sent to the caller. */
export interface ErrorDetails {
  /** What is wrong with the input; set with `invalid_argument`. */
  readonly violations?: readonly Violation[]
  /** How long a caller should wait before it tries again; HTTP `Retry-After`, gRPC `google.rpc.RetryInfo`. */
  readonly retryDelayMs?: number
  readonly [key: string]: unknown
}

export interface ServiceErrorOptions {
  /** The service's own stable word for the failure, for programs to switch on. */
  readonly reason?: string
  readonly details?: ErrorDetails
  /** What led to it: logged, never sent. */
  readonly cause?: unknown
}

const brand: unique symbol = Symbol.for('tenon.service_error') as never

/**
 * The one error a call fails with, on every transport.
 *
 * Recognise it with `ServiceError.is()`, which also knows errors of a second installed copy of this package.
 */
export class ServiceError extends Error {
  readonly [brand] = true
  readonly code: ErrorCode
  readonly reason: string | undefined
  readonly details: ErrorDetails | undefined

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ServiceError'
    this.code = code
    this.reason = options.reason
    this.details = options.details
  }

  static is(value: unknown): value is ServiceError {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** The error for an input that does not fit its schema. */
export function invalidArgument(violations: readonly Violation[]): ServiceError {
  const [first] = violations
  const where = first?.field ? `${first.field} ` : ''
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''
  return new ServiceError('invalid_argument', first ? `${where}${first.message}${more}` : 'the input is invalid', {
    details: { violations },
  })
}

/** Whether a text, such as one read off a wire, is an error code. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text)
}

const remoteBrand: unique symbol = Symbol.for('tenon.remote_error') as never

/** Marks an error as one that another service answered with, so that it is not passed on as if it were our own. */
export function markRemote(error: ServiceError): ServiceError {
  Object.defineProperty(error, remoteBrand, { value: true })
  return error
}

/**
 * The codes of a remote that mean the same to our caller, and what it is told: the remote's own words may name addresses.
 * Any other code, such as its `unauthenticated`, concerns only us.
 */
const passedOn: Partial<Record<ErrorCode, string>> = {
  unavailable: 'a service that this call needs is unavailable',
  deadline_exceeded: 'a service that this call needs did not answer in time',
  resource_exhausted: 'a service that this call needs is overloaded',
  cancelled: 'a call that this call needs was cancelled',
}

/**
 * What a caller is told of whatever a handler threw. A foreign exception, and a remote's error that the handler did not
 * translate, get a fixed text; the cause goes to the log.
 */
export function toServiceError(thrown: unknown): ServiceError {
  if (ServiceError.is(thrown)) {
    if (!(remoteBrand in thrown)) return thrown
    const message = passedOn[thrown.code]
    if (message !== undefined) return passOn(thrown, message)
  }
  return new ServiceError('internal', 'an internal error occurred', { cause: thrown })
}

function passOn(remote: ServiceError, message: string): ServiceError {
  const retryDelayMs = remote.details?.retryDelayMs
  const details = retryDelayMs === undefined ? {} : { details: { retryDelayMs } }
  return new ServiceError(remote.code, message, { ...details, cause: remote })
}
