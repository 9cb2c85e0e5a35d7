import { type Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { type ErrorCode, errorCodes, type Metadata as Entries, ServiceError } from '@tenon/core/transport'
import { largestBytes, readMetadata, writeMetadata } from './grpc-metadata.ts'
import { readDetails, readRequestId, writeDetails } from './status-details.ts'

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

/** What is sent of a call along with its error. */
export interface StatusContext {
  /** The service's name, as the origin of the reason. */
  readonly domain: string
  readonly callId?: string
  readonly trailers?: Readonly<Record<string, string>> | undefined
  /** Is told the names of own details and of trailers that gRPC cannot carry, or not beside the rest of the error. */
  readonly onRefused?: (what: 'details' | 'trailers', names: readonly string[]) => void
}

/** What a caller is sent for an error; never its cause. */
export function toStatus(
  error: ServiceError,
  { domain, callId, trailers = {}, onRefused }: StatusContext,
): StatusObject {
  const code = grpcStatus[error.code]
  const line = toLine(error.message)
  const roomBytes = largestBytes - fixedBytes - encodeURI(line).length
  const details = writeDetails(error, {
    status: code,
    domain,
    callId,
    limitBytes: Math.floor(roomBytes / 4) * 3,
    onRefused: (names) => onRefused?.('details', names),
  })
  const { metadata, refused } = writeMetadata(trailers, roomBytes - base64Length(details?.length ?? 0))
  if (refused.length > 0) onRefused?.('trailers', refused)
  if (details) metadata.set(detailsKey, details)
  return { code, details: line, metadata }
}

/** @see RFC 4648 section 4 */
function base64Length(byteCount: number): number {
  return Math.ceil(byteCount / 3) * 4
}

/**
 * What status, content type and date take in a header list, and the names of message and details.
 *
 * @see RFC 9113 section 6.5.2
 */
const fixedBytes = 320

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

/** What a call has ended with. */
export interface ReceivedStatus {
  readonly code: number
  readonly details: string
  readonly metadata?: Metadata
}

/** The error that a status stands for. */
export function fromStatus({ code, details, metadata }: ReceivedStatus): ServiceError {
  const bytes = detailsOf(metadata)
  return new ServiceError(codes.get(code) ?? 'unknown', details, bytes ? readDetails(bytes) : {})
}

/** What came behind a reply beside its error; the remote's name of the call is `x-request-id`, as it is in headers of HTTP. */
export function readTrailers({ metadata }: Pick<ReceivedStatus, 'metadata'>): Entries {
  if (metadata === undefined) return {}
  const bytes = detailsOf(metadata)
  const requestId = bytes && readRequestId(bytes)
  const { [detailsKey]: _details, ...entries } = readMetadata(metadata)
  return { ...(requestId !== undefined && { 'x-request-id': requestId }), ...entries }
}

function detailsOf(metadata: Metadata | undefined): Uint8Array | undefined {
  const [bytes] = metadata?.get(detailsKey) ?? []
  return bytes instanceof Uint8Array ? bytes : undefined
}
