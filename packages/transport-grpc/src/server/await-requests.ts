import type { ServerHttp2Stream } from 'node:http2'
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js'

/** Is handed the calls that have one request message, each with its stream, before anything of the message is read. */
export type AwaitRequest = (stream: ServerHttp2Stream, call: ServerInterceptingCallInterface) => void

/**
 * Hands over what grpc-js keeps to itself until a request message is there. It waits for one as long as the caller likes, and
 * asks no handler meanwhile.
 *
 * @see @grpc/grpc-js 1.14, server.ts, handleUnary and handleServerStreaming
 */
export function awaitRequests(take: AwaitRequest): ServerInterceptor {
  return ({ requestStream }, call) => {
    if (!requestStream && hasStream(call)) take(call.stream, call)
    // The same call: one that stands between would be paid for with every message. Only its type is too narrow.
    return call as ServerInterceptingCall
  }
}

/** What its types do not tell. @see @grpc/grpc-js 1.14, server-interceptors.ts, BaseServerInterceptingCall */
function hasStream(
  call: ServerInterceptingCallInterface,
): call is ServerInterceptingCallInterface & { readonly stream: ServerHttp2Stream } {
  return 'stream' in call
}
