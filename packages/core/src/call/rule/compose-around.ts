import { WiringError } from '../../error/setup-error.ts'

/** Something that runs around a step and decides whether it runs. */
export type Around<C> = (call: C, next: () => Promise<unknown>) => Promise<unknown>
type Step<C> = (input: unknown, call: C) => unknown

/** What is known of a call while steps run for it. */
export interface Watch<C> {
  /** What `next()` rejects with, in place of beginning anything, once it is too late; undefined while it is not. */
  readonly refusal: (call: C) => Error | undefined
  /** Told of every step that was begun. Gives what `next()` gives, and takes care that its failure ends no process. */
  readonly began: (call: C, answer: Promise<unknown>) => Promise<unknown>
}

/** One function out of a step and what runs around it, outermost first. With nothing around it, the step itself. */
export function composeAround<C extends { readonly operation: string }>(
  around: readonly Around<C>[],
  step: Step<C>,
  { refusal, began }: Watch<C> = unwatched,
): Step<C> {
  return around.reduceRight<Step<C>>((inner, interceptor) => {
    return (input, call) => {
      let wasCalled = false
      return interceptor(call, () => {
        if (wasCalled) return rejected(calledTwice(call.operation))
        wasCalled = true
        const late = refusal(call)
        return late === undefined ? began(call, answerOf(inner, input, call)) : rejected(late)
      })
    }
  }, step)
}

/** An interceptor may look at what `next()` gave later, or never: that must not end the process. */
export function unobserved<Value>(answer: Promise<Value>): Promise<Value> {
  answer.then(undefined, ignore)
  return answer
}

const unwatched: Watch<unknown> = { refusal: () => undefined, began: (_call, answer) => unobserved(answer) }

/** What a step comes to. Not an async function, which would make a promise of its own and take three turns to copy the step's. */
function answerOf<C>(step: Step<C>, input: unknown, call: C): Promise<unknown> {
  try {
    return Promise.resolve(step(input, call))
  } catch (error) {
    return Promise.reject(error)
  }
}

function rejected(error: Error): Promise<never> {
  return unobserved(Promise.reject(error))
}

function calledTwice(operation: string): WiringError {
  return new WiringError([
    { code: 'wiring.interceptor', message: `an interceptor of ${operation} called next() twice` },
  ])
}

function ignore(): void {}
