import { WiringError } from '../error/setup-error.ts'
import type { Call } from './call.ts'

/**
 * Runs around a handler, on every transport: `(call, next) => …`. `next()` runs what lies further in and gives its output;
 * for a stream, an `AsyncIterable`.
 */
export type Interceptor = (call: Call, next: () => Promise<unknown>) => Promise<unknown>

/** A handler as the dispatcher calls it. */
export type Invoke = (input: unknown, call: Call) => unknown

/** One function out of a handler and the interceptors around it, outermost first. Without interceptors, the handler itself. */
export function composeInterceptors(interceptors: readonly Interceptor[], handler: Invoke): Invoke {
  return interceptors.reduceRight<Invoke>((inner, interceptor) => {
    return (input, call) => {
      let wasCalled = false
      return interceptor(call, async () => {
        if (wasCalled)
          throw new WiringError([
            { code: 'wiring.interceptor', message: `an interceptor of ${call.operation} called next() twice` },
          ])
        wasCalled = true
        return inner(input, call)
      })
    }
  }, handler)
}
