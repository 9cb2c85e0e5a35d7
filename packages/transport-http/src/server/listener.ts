import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ServiceError } from '@tenon/core/transport'
import { lingerAfter } from '../reply/linger.ts'
import { requestFault } from '../http-status.ts'
import type { OpenReplies } from '../reply/open-replies.ts'
import type { AnswerProbe } from '../probe/answer-probe.ts'
import type { Connections } from './connections.ts'
import { headFault, isListOver, refuseRequest, tunnelFault } from './refuse-request.ts'
import { isReserved } from './reserve.ts'
import { adaptRequest, failWhenLost, isHttp2, stopAfter } from './http2-request.ts'

export interface ListenerOptions {
  readonly replies: OpenReplies
  readonly http2: boolean
  readonly headerLimitBytes: number
  readonly answerProbe: AnswerProbe
  /** Asked for each request, because they are known only when the server is made. */
  readonly connections: () => Connections
}

/** What every request passes before Fastify has it. */
export function compileListener(
  { replies, http2, headerLimitBytes, answerProbe, connections }: ListenerOptions,
  handle: RequestListener,
): RequestListener {
  const answer = (request: IncomingMessage, reply: ServerResponse, fault: ServiceError | undefined) => {
    if (fault) return refuseRequest(request, reply, fault)
    if (answerProbe(request, reply)) return
    if (isReserved(request)) return connections().refuse(request, reply)
    handle(request, reply)
  }
  const serve: RequestListener = (request, reply) => {
    replies.enter(reply)
    lingerAfter(reply, request)
    answer(request, reply, headFault(request))
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
    answer(request, reply, http2Fault(request, headerLimitBytes))
  }
}

function http2Fault(request: IncomingMessage, headerLimitBytes: number): ServiceError | undefined {
  if (request.method === 'CONNECT') return tunnelFault()
  if (!isListOver(request, headerLimitBytes)) return headFault(request)
  return requestFault('headers_too_large', `the header section must be at most ${headerLimitBytes} bytes`)
}
