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
      return interceptor(call, () => {
        const isRepeated = wasCalled
        wasCalled = true
        const answer = isRepeated ? Promise.reject(calledTwice(call.operation)) : answerOf(inner, input, call)
        // An interceptor may look at it later, or never: that must not end the process.
        answer.then(undefined, ignore)
        return answer
      })
    }
  }, step)
}

/** What a step comes to. Not an async function, which would make a promise of its own and take three turns to copy the step's. */
function answerOf<C>(step: Step<C>, input: unknown, call: C): Promise<unknown> {
  try {
    return Promise.resolve(step(input, call))
  } catch (error) {
    return Promise.reject(error)
  }
}

function calledTwice(operation: string): WiringError {
  return new WiringError([
    { code: 'wiring.interceptor', message: `an interceptor of ${operation} called next() twice` },
  ])
}

function ignore(): void {}
