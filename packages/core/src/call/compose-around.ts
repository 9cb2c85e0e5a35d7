import { WiringError } from '../error/setup-error.ts'

/** Something that runs around a step and decides whether it runs. */
export type Around<C> = (call: C, next: () => Promise<unknown>) => Promise<unknown>
type Step<C> = (input: unknown, call: C) => unknown

/** One function out of a step and what runs around it, outermost first. With nothing around it, the step itself. */
export function composeAround<C extends { readonly operation: string }>(
  around: readonly Around<C>[],
  step: Step<C>,
): Step<C> {
  return around.reduceRight<Step<C>>((inner, interceptor) => {
    return (input, call) => {
      let wasCalled = false
      const run = async () => {
        if (wasCalled)
          throw new WiringError([
            { code: 'wiring.interceptor', message: `an interceptor of ${call.operation} called next() twice` },
          ])
        wasCalled = true
        return inner(input, call)
      }
      return interceptor(call, () => {
        const answer = run()
        // An interceptor may look at it later, or never: that must not end the process.
        answer.catch(() => undefined)
        return answer
      })
    }
  }, step)
}
