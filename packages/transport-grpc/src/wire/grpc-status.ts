import { Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { type ErrorCode, errorCodes, ServiceError } from '@tenon/core/transport'
import { readDetails, writeDetails } from './status-details.ts'

/** The status number of every error code. They are the same numbers, which this table asserts. @see grpc status codes */
export const grpcStatus = {
  cancelled: status.CANCELLED,
  unknown: status.UNKNOWN,
  invalid_argument: status.INVALID_ARGUMENT,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  permission_denied: status.PERMISSION_DENIED,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  failed_precondition: status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  out_of_range: status.OUT_OF_RANGE,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
  unavailable: status.UNAVAILABLE,
  data_loss: status.DATA_LOSS,
  unauthenticated: status.UNAUTHENTICATED,
} as const satisfies Record<ErrorCode, number>

/** Where rich error details travel. @see google.rpc.Status, and gRPC's richer error model */
const detailsKey = 'grpc-status-details-bin'

/** What a caller is sent for an error; never its cause. */
export function toStatus(error: ServiceError, domain: string): StatusObject {
  const code = grpcStatus[error.code]
  const metadata = new Metadata()
  const details = writeDetails(error, { status: code, domain })
  if (details) metadata.set(detailsKey, details)
  return { code, details: toLine(error.message), metadata }
}

/** What grpc-js writes percent-encoded, and would throw for where nobody catches: half of a surrogate pair. */
function toLine(message: string): string {
  const text = message.slice(0, longestLine).toWellFormed()
  if (text.length === message.length && encodeURI(text).length <= longestLine) return text
  let line = ''
  let leftBytes = longestLine - encodeURI('…').length
  for (const character of text) {
    leftBytes -= encodeURI(character).length
    if (leftBytes < 0) break
    line += character
  }
  return `${line}…`
}

/**
 * In characters as they are sent: status and details travel in HTTP/2 headers, which callers take up to about 8 KiB in all.
 *
 * @see gRPC over HTTP/2, Percent-Encoded
 */
const longestLine = 1_024

const codes = new Map<number, ErrorCode>(
  Object.entries(errorCodes).map(([code, number]) => [number, code as ErrorCode]),
)

/** The error that a status stands for. */
export function fromStatus({
  code,
  details,
  metadata,
}: {
  readonly code: number
  readonly details: string
  readonly metadata?: Metadata
}): ServiceError {
  const [bytes] = metadata?.get(detailsKey) ?? []
  const facts = bytes instanceof Uint8Array ? readDetails(bytes) : {}
  return new ServiceError(codes.get(code) ?? 'unknown', details, facts)
}
