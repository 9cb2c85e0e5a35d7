import type { IncomingMessage, RequestListener } from 'node:http'
import type { ServiceError } from '@tenon/core/transport'
import { lingerAfter } from '../reply/linger.ts'
import { requestFault } from '../http-status.ts'
import type { OpenReplies } from '../reply/open-replies.ts'
import type { Connections } from './connections.ts'
import { headFault, isListOver, refuseRequest, tunnelFault } from './refuse-request.ts'
import { adaptRequest, failWhenLost, isHttp2, stopAfter } from './http2-request.ts'

export interface ListenerOptions {
  readonly replies: OpenReplies
  readonly http2: boolean
  readonly headerLimitBytes: number
  /** Asked for each request, because they are known only when the server is made. */
  readonly connections: () => Connections
}

/** What every request passes before Fastify has it. */
export function compileListener(
  { replies, http2, headerLimitBytes, connections }: ListenerOptions,
  handle: RequestListener,
): RequestListener {
  const serve: RequestListener = (request, reply) => {
    replies.enter(reply)
    lingerAfter(reply, request)
    const fault = headFault(request)
    if (fault) refuseRequest(request, reply, fault)
    else handle(request, reply)
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
    const fault = http2Fault(request, headerLimitBytes)
    if (fault) refuseRequest(request, reply, fault)
    else handle(request, reply)
  }
}

function http2Fault(request: IncomingMessage, headerLimitBytes: number): ServiceError | undefined {
  if (request.method === 'CONNECT') return tunnelFault()
  if (!isListOver(request, headerLimitBytes)) return headFault(request)
  return requestFault('headers_too_large', `the header section must be at most ${headerLimitBytes} bytes`)
}
