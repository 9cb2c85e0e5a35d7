import { maxHeaderSize, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type ErrorCode, ServiceError, toServiceError } from '@tenon/core/transport'
import { requestFault, type RequestFault } from './http-status.ts'
import { refuseOn } from './server/refuse-request.ts'

/** A fault with the words for it. */
type ToldFault = readonly [RequestFault, string]

/** What Fastify says of a request it refuses. */
const fastifyFaults: Readonly<Record<string, ToldFault>> = {
  FST_CP_ERR_INVALID_CONTENT: ['malformed_request', 'the body is not compressed as content-encoding says'],
  FST_CP_ERR_INVALID_CONTENT_ENCODING: ['unsupported_media_type', 'the content-encoding is not supported'],
  FST_ERR_BAD_URL: ['malformed_request', 'the path is not percent-encoded as it should be'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'the body is too large'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed_request', 'the body is not as long as content-length says'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'the content-type is no media type'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri_too_long', 'a path parameter is too long'],
}

/** What an error of a plugin means that carries a status and nothing else. */
const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'aborted',
  429: 'resource_exhausted',
  503: 'unavailable',
}

/** What a caller is told of an error that Fastify, or a plugin that `configure` added, raised before or instead of an operation. */
export function toRequestError(thrown: unknown): ServiceError {
  if (!(thrown instanceof Error) || ServiceError.is(thrown)) return toServiceError(thrown)
  const code: unknown = Reflect.get(thrown, 'code')
  const statusCode: unknown = Reflect.get(thrown, 'statusCode')
  const fault = typeof code === 'string' ? fastifyFaults[code] : undefined
  if (fault !== undefined) return requestFault(...fault)
  const known = typeof statusCode === 'number' ? codeOfStatus[statusCode] : undefined
  return known === undefined ? toServiceError(thrown) : new ServiceError(known, thrown.message, { cause: thrown })
}

/** What Node's parser says of bytes that are no request. */
const parserFaults: Readonly<Record<string, ToldFault>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'the request did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'the header section is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['body_too_large', 'the chunk extensions are too large'],
}

/** Sockets that were answered, and whose caller may still be sending. */
const refused = new WeakSet<Socket>()

/**
 * Answers bytes that are no request, and closes the connection: at once for a caller that sends no more, else after a while, in
 * which what still comes is dropped.
 *
 * @see Node's `clientError` event: the socket is the listener's to end; lib/_http_server.js, socketOnError
 */
export function refuseSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  // The parser fails anew at each piece that comes after the one it failed at.
  if (refused.has(socket)) return
  if (!isOfParser(error) || !socket.writable || isReplying(socket)) {
    socket.destroy(error)
    return
  }
  const fault = parserFault(error, socket)
  refused.add(socket)
  refuseOn(socket, requestFault(...fault))
}

/** Otherwise the connection was lost, or its handshake failed: what would be written then is nothing the caller could read. */
function isOfParser({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP_')
}

function parserFault(error: NodeJS.ErrnoException, socket: Socket): ToldFault {
  if (error.code === 'HPE_HEADER_OVERFLOW' && isInTarget(error, socket))
    return ['uri_too_long', 'the request target is too long']
  return parserFaults[error.code ?? ''] ?? ['malformed_request', 'the request is not valid HTTP']
}

/**
 * Whether the head outgrew its limit within its first line. Node counts both together, and shows the bytes it failed at; a
 * target that comes in several pieces is taken for a header section.
 *
 * @see RFC 9110 section 15.5.15
 */
function isInTarget(error: Error, socket: Socket): boolean {
  const bytes: unknown = Reflect.get(error, 'rawPacket')
  if (!Buffer.isBuffer(bytes) || !/^[A-Z]+ \//.test(bytes.toString('latin1', 0, 16))) return false
  const end = bytes.indexOf('\n')
  return (end === -1 ? bytes.length : end) >= headerLimitOf(socket)
}

function headerLimitOf(socket: Socket): number {
  const server: unknown = Reflect.get(socket, 'server')
  const limit: unknown =
    typeof server === 'object' && server !== null ? Reflect.get(server, 'maxHeaderSize') : undefined
  return typeof limit === 'number' ? limit : maxHeaderSize
}

/** Whether a reply is under way on the socket: anything written now would become part of it. */
function isReplying(socket: Socket): boolean {
  const reply: unknown = Reflect.get(socket, '_httpMessage')
  return reply instanceof ServerResponse && reply.headersSent
}
