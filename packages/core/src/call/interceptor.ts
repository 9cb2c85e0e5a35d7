import { WiringError } from '../error/setup-error.ts'
import type { Call } from './call.ts'

/**
 * Runs around a handler, on every transport: `(call, next) => …`. `next()` runs what lies further in and gives its output;
 * for a stream, an `AsyncIterable`. What an interceptor returns without calling `next()` is the output in the handler's place.
 */
export type Interceptor = (call: Call, next: () => Promise<unknown>) => Promise<unknown>

/** A handler as the dispatcher calls it. */
export type Invoke = (input: unknown, call: Call) => unknown

type Around<C> = (call: C, next: () => Promise<unknown>) => Promise<unknown>
type Inner<C> = (input: unknown, call: C) => unknown

/** One function out of a handler and the interceptors around it, outermost first. Without interceptors, the handler itself. */
export function composeInterceptors<C extends { readonly operation: string }>(
  interceptors: readonly Around<C>[],
  handler: Inner<C>,
): Inner<C> {
  return interceptors.reduceRight<Inner<C>>((inner, interceptor) => {
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
