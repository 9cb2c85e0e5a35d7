import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { compressAnswers } from './compress-answers.ts'
import { checkHead, type Refusal } from './request-head.ts'

/** Takes a request over. */
export type RequestHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void

/** Looks at a request before it is a call: what is none is refused, and the rest handed on. */
export function receiveCall(
  { compression }: Pick<GrpcSettings, 'compression'>,
  handle: RequestHandler,
): RequestHandler {
  return (stream, headers, flags) => {
    const refusal = checkHead(headers)
    if (refusal === undefined) {
      if (compression === 'gzip') compressAnswers(stream, headers)
      handle(stream, headers, flags)
      // Answered at once, as an unknown method is: nobody will read the rest of the request.
      if (stream.headersSent) leave(stream)
    } else refuse(stream, refusal)
  }
}

function refuse(stream: ServerHttp2Stream, { headers }: Refusal): void {
  // It may be reset while it is answered, which nobody needs to hear of.
  stream.on('error', () => undefined)
  stream.respond(headers, { endStream: true })
  leave(stream)
}

/**
 * Asks the caller not to send the rest of its request, which would otherwise stay open for as long as the caller likes.
 *
 * @see RFC 9113 section 8.1: NO_ERROR after a complete response
 */
function leave(stream: ServerHttp2Stream): void {
  stream.resume()
  stream.close(constants.NGHTTP2_NO_ERROR)
}
