import type { Call } from '../call.ts'
import { type Around, composeAround, unobserved, type Watch } from './compose-around.ts'
import { followItems } from '../stream/followed-items.ts'
import { RunningCall } from '../running-call.ts'

/**
 * Runs around a handler, on every transport: `(call, next) => …`. `next()` runs what lies further in and gives its output;
 * for a stream, an `AsyncIterable`. What an interceptor returns without calling `next()` is the output in the handler's place.
 * A second `next()` rejects with a WiringError `wiring.interceptor`; one that comes after the call has ended rejects with what it
 * ended with (`cancelled` when that was an output), and begins nothing, neither the handler nor an interceptor further in.
 *
 * An interceptor may answer before what `next()` began has ended. That goes on within the deadline of the call and with its
 * signal, keeps the call's place, and a drain waits for it; a stream it left open is closed.
 */
export type Interceptor = Around<Call>

/** A handler as the dispatcher calls it. */
export type Invoke = (input: unknown, call: Call) => unknown

/** One function out of a handler and the interceptors around it, outermost first. Without interceptors, the handler itself. */
export function composeInterceptors(interceptors: readonly Interceptor[], handler: Invoke): Invoke {
  return composeAround(interceptors, handler, whileRunning)
}

const whileRunning: Watch<Call> = {
  refusal: (call) => (call instanceof RunningCall ? call.refusal : undefined),
  began: (call, answer) => {
    if (!(call instanceof RunningCall)) return unobserved(answer)
    call.work.track(answer)
    return call.isOutputStream ? unobserved(answer.then((output) => followItems(output, call))) : answer
  },
}
