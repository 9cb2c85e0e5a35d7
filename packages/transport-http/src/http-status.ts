import { type ErrorCode, type ErrorDetails, ServiceError } from '@tenon/core/transport'

/**
 * The status of a failed call by its code.
 *
 * @see google.rpc.Code, whose comments name the HTTP mapping of each code
 */
export const httpStatus = {
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
} as const satisfies Readonly<Record<ErrorCode, number>>

/**
 * What can be wrong with a request itself, by reason. HTTP has a status of its own for it, so code and reason together
 * decide the status, also for a handler that throws the same pair.
 *
 * @see RFC 9110 section 15.5, and RFC 6585 sections 3 and 5 for 428 and 431
 */
export const requestFaults = {
  malformed_request: { code: 'invalid_argument', status: 400 },
  malformed_header: { code: 'invalid_argument', status: 400 },
  route_not_found: { code: 'not_found', status: 404 },
  method_not_allowed: { code: 'unimplemented', status: 405 },
  not_acceptable: { code: 'invalid_argument', status: 406 },
  request_timeout: { code: 'deadline_exceeded', status: 408 },
  version_mismatch: { code: 'failed_precondition', status: 412 },
  body_too_large: { code: 'resource_exhausted', status: 413 },
  too_many_parts: { code: 'resource_exhausted', status: 413 },
  uri_too_long: { code: 'invalid_argument', status: 414 },
  unsupported_media_type: { code: 'invalid_argument', status: 415 },
  range_not_satisfiable: { code: 'out_of_range', status: 416 },
  expectation_failed: { code: 'invalid_argument', status: 417 },
  version_required: { code: 'failed_precondition', status: 428 },
  headers_too_large: { code: 'invalid_argument', status: 431 },
} as const satisfies Readonly<Record<string, { readonly code: ErrorCode; readonly status: number }>>

export type RequestFault = keyof typeof requestFaults

/** The error for a request that is wrong in itself. */
export function requestFault(reason: RequestFault, message: string, details?: ErrorDetails): ServiceError {
  return new ServiceError(requestFaults[reason].code, message, details ? { reason, details } : { reason })
}

/** The status an error is answered with. */
export function statusOf(error: ServiceError): number {
  return isRequestFault(error) ? requestFaults[error.reason].status : httpStatus[error.code]
}

/** Whether the request is wrong in itself, and so will be when it is sent again. */
export function isRequestFault<E extends ServiceError>(error: E): error is E & { readonly reason: RequestFault } {
  const { code, reason } = error
  return reason !== undefined && isReason(reason) && requestFaults[reason].code === code
}

function isReason(reason: string): reason is RequestFault {
  return Object.hasOwn(requestFaults, reason)
}
