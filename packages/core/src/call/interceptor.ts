import type { Call } from './call.ts'
import { type Around, composeAround } from './compose-around.ts'
import { RunningCall } from './running-call.ts'

/**
 * Runs around a handler, on every transport: `(call, next) => …`. `next()` runs what lies further in and gives its output;
 * for a stream, an `AsyncIterable`. What an interceptor returns without calling `next()` is the output in the handler's place.
 */
export type Interceptor = Around<Call>

/** A handler as the dispatcher calls it. */
export type Invoke = (input: unknown, call: Call) => unknown

/** One function out of a handler and the interceptors around it, outermost first. Without interceptors, the handler itself. */
export function composeInterceptors(interceptors: readonly Interceptor[], handler: Invoke): Invoke {
  return interceptors.length === 0 ? handler : composeAround(interceptors, tracked(handler))
}

/** An interceptor may answer before its handler has ended; the call goes on working until it has. */
function tracked(handler: Invoke): Invoke {
  return (input, call) => {
    const output = handler(input, call)
    if (output instanceof Promise && call instanceof RunningCall) call.track(output)
    return output
  }
}
