import type { RequestListener } from 'node:http'
import { lingerAfter } from '../reply/linger.ts'
import type { OpenReplies } from '../reply/open-replies.ts'
import type { Connections } from './connections.ts'
import { adaptRequest, failWhenLost, isHttp2, stopAfter } from './http2-request.ts'

export interface ListenerOptions {
  readonly replies: OpenReplies
  readonly http2: boolean
  /** Asked for each request, because they are known only when the server is made. */
  readonly connections: () => Connections
}

/** What every request passes before Fastify has it. */
export function compileListener(
  { replies, http2, connections }: ListenerOptions,
  handle: RequestListener,
): RequestListener {
  const serve: RequestListener = (request, reply) => {
    replies.enter(reply)
    lingerAfter(reply, request)
    handle(request, reply)
  }
  if (!http2) return serve
  return (request, reply) => {
    if (!isHttp2(request)) return serve(request, reply)
    replies.enter(reply)
    adaptRequest(request)
    failWhenLost(request)
    stopAfter(request)
    // On a connection that was made while the server drains: this request is answered, and no other.
    if (connections().isDraining) request.stream.session?.close()
    handle(request, reply)
  }
}
