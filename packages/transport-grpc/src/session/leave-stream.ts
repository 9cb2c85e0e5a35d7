import { constants, type ServerHttp2Stream } from 'node:http2'

/** A guess: more than a round trip. */
const leaveMs = 500

/**
 * Waits no longer than a moment for a caller that has its whole answer to complete its request, which most do as soon as they
 * have it. A reset sooner than that lets clients of grpc-js take their answer for lost. Once for a stream, however often it is
 * called.
 *
 * @see RFC 9113 section 8.1: NO_ERROR after a complete response
 */
export function leaveStream(stream: ServerHttp2Stream): void {
  if (stream.destroyed || leaving.has(stream)) return
  leaving.add(stream)
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), leaveMs)
  stream.once('close', () => clearTimeout(timer))
}

const leaving = new WeakSet<ServerHttp2Stream>()
