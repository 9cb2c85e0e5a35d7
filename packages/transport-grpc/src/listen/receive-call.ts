import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { GrpcSettings } from '../grpc-options.ts'
import { compressAnswers } from './compress-answers.ts'
import { leaveStream } from '../session/leave-stream.ts'
import { checkHead, type Refusal } from './request-head.ts'

/** Takes a request over. */
export type RequestHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) => void

export interface ReceivingOptions extends Pick<GrpcSettings, 'compression'> {
  /** What a call is refused for that could be served at another time. */
  readonly refuse: (headers: IncomingHttpHeaders) => Refusal | undefined
}

/** Looks at a request before it is a call: what is none, or is not served now, is refused, and the rest handed on. */
export function receiveCall(
  { compression, refuse: refuseCall }: ReceivingOptions,
  handle: RequestHandler,
): RequestHandler {
  return (stream, headers, flags) => {
    const refusal = checkHead(headers) ?? refuseCall(headers)
    if (refusal === undefined) {
      if (compression === 'gzip') compressAnswers(stream, headers)
      handle(stream, headers, flags)
      // Answered at once, as an unknown method is: nobody else will read the rest of the request.
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

/** What else comes of the request is thrown away, or it would hold back the caller's other calls. */
function leave(stream: ServerHttp2Stream): void {
  stream.resume()
  leaveStream(stream)
}
