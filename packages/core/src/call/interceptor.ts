import { ServiceError } from '../error/service-error.ts'
import type { Call } from './call.ts'
import { type Around, composeAround } from './compose-around.ts'
import { RunningCall } from './running-call.ts'

/**
 * Runs around a handler, on every transport: `(call, next) => …`. `next()` runs what lies further in and gives its output;
 * for a stream, an `AsyncIterable`. What an interceptor returns without calling `next()` is the output in the handler's place.
 * A second `next()` rejects with a WiringError `wiring.interceptor`; one that comes after the call has ended rejects with what it
 * ended with, and begins nothing.
 */
export type Interceptor = Around<Call>

/** A handler as the dispatcher calls it. */
export type Invoke = (input: unknown, call: Call) => unknown

/** One function out of a handler and the interceptors around it, outermost first. Without interceptors, the handler itself. */
export function composeInterceptors(interceptors: readonly Interceptor[], handler: Invoke): Invoke {
  return interceptors.length === 0 ? handler : composeAround(interceptors, tracked(handler))
}

/**
 * An interceptor may answer before its handler has ended; the call goes on working until it has. One that takes too long must not
 * begin work that nobody waits for any more.
 *
 * @throws ServiceError what the call ended with, once it has ended; `cancelled` when that was an output.
 */
function tracked(handler: Invoke): Invoke {
  return (input, call) => {
    if (!(call instanceof RunningCall)) return handler(input, call)
    if (call.hasEnded) throw call.endedBy ?? new ServiceError('cancelled', 'the call has ended')
    const output = handler(input, call)
    if (output instanceof Promise) call.track(output)
    return output
  }
}
