import type { IncomingMessage } from 'node:http'
import { Http2ServerRequest } from 'node:http2'

/**
 * Makes an HTTP/2 request look as HTTP/1.1 would have it, where that matters to who reads it: it names its host, and says
 * whether a body follows.
 *
 * @see RFC 9113 sections 8.1.1 and 8.3.1
 */
export function adaptRequest({ headers, stream, authority }: Http2ServerRequest): void {
  headers.host ??= authority
  if (stream.endAfterHeaders || headers['content-length'] !== undefined) return
  // No caller can have sent it: HTTP/2 has no such header.
  headers['transfer-encoding'] = 'chunked'
}

/**
 * Makes a request that breaks off fail, as one of HTTP/1.1 does. Node's compatible form ends it like one that is complete.
 *
 * @see lib/internal/http2/compat.js of Node 24.21, onStreamCloseRequest
 */
export function failWhenLost(request: Http2ServerRequest): void {
  const { stream } = request
  if (stream.endAfterHeaders) return
  // It may break off while nobody reads it.
  request.on('error', () => undefined)
  stream.once('aborted', () => {
    if (!request.readableEnded) request.destroy(Object.assign(new Error('the caller left'), { code: 'ECONNRESET' }))
  })
}

/**
 * Asks the caller to stop when it is answered before its request has come whole. Nothing of the reply is lost by that, and the
 * stream is not kept open by a caller who goes on.
 *
 * @see RFC 9113 section 8.1: a reset with NO_ERROR after a complete response
 */
export function stopAfter(request: Http2ServerRequest): void {
  const { stream } = request
  if (!stream.endAfterHeaders) stream.once('finish', () => setImmediate(closeWhenSent, request))
}

/** A guess: how often it is looked whether the caller has read on. */
const sentIntervalMs = 50

/** Node tells of what is written when it has it, not when it is sent; a reset would overtake it. */
function closeWhenSent(request: Http2ServerRequest): void {
  const { stream } = request
  if (stream.closed || stream.destroyed || stream.state.remoteClose === 1) return
  if (stream.state.localClose !== 1) return void setTimeout(closeWhenSent, sentIntervalMs, request).unref()
  stream.close()
  // What has come is dropped: a stream with unread bytes is never done.
  request.resume()
}

/** Whether the request is one of HTTP/2. */
export function isHttp2(request: IncomingMessage | Http2ServerRequest): request is Http2ServerRequest {
  return request instanceof Http2ServerRequest
}
