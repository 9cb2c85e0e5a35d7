import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js'
import type { Logger } from '@tenon/core/transport'
import { lackedNames, privateNames } from '../wire/private-names.ts'

/**
 * Refuses calls as INTERNAL that lack what the interceptors behind this one use: without it they would look at nothing, and hand
 * broken input to handlers. All calls of a release are alike, so that one which lacks nothing speaks for those behind it.
 */
export function requireNames(log: Logger): ServerInterceptor {
  let isKnown = false
  return (_method, call) => {
    const lacked = isKnown ? [] : lackedOf(call)
    if (lacked.length > 0) return refuse(call, lacked, log)
    isKnown = true
    // The same call: one that stands between would be paid for with every message. Only its type is too narrow.
    return call as ServerInterceptingCall
  }
}

function lackedOf(call: ServerInterceptingCallInterface): readonly string[] {
  const decoder: unknown = Reflect.get(call, 'decoder')
  return [...lackedNames(call, privateNames.serverCall), ...lackedNames(decoder, privateNames.decoder)]
}

/** It is never started, so that nothing of it reaches a handler. */
function refuse(call: ServerInterceptingCallInterface, lacked: readonly string[], log: Logger): ServerInterceptingCall {
  log.error(
    { lacked },
    'this release of @grpc/grpc-js has other calls than those that are known, and none is served: install 1.14',
  )
  return new ServerInterceptingCall(call, {
    start: () => call.sendStatus({ code: status.INTERNAL, details: 'the server cannot take calls', metadata: null }),
  })
}
