import { LifecycleError } from '../../error/setup-error.ts'
import { isAnswerTo } from '../../handler/is-answer-to.ts'
import type { BoundHook } from './bound-hooks.ts'
import { type HookTime, runHook } from './run-hooks.ts'

/** The hooks of a service that has become ready. */
export class ReadyHooks {
  #running: BoundHook | undefined

  /** The one that runs now, as a hook that ends when it does; how it fails is told by `run`. */
  get running(): BoundHook | undefined {
    return this.#running
  }

  /**
   * Runs hooks one after another, each in what is left of the time; one that fails keeps none of the others from running. None is
   * begun once the signal has fired, and one that gives up because of it has not failed.
   *
   * @throws LifecycleError `service.hook_failed`, with a problem for each that failed
   */
  async run(hooks: readonly BoundHook[], time: HookTime): Promise<void> {
    const endsAtMs = performance.now() + time.timeoutMs
    const failures: LifecycleError[] = []
    for (const hook of hooks) {
      if (time.signal.aborted) break
      const ended = runHook(hook, { ...time, timeoutMs: endsAtMs - performance.now() }).catch(
        (failure: LifecycleError) => {
          if (!isAnswerTo(time.signal, failure)) failures.push(failure)
        },
      )
      this.#running = { ...hook, timeoutMs: undefined, run: () => ended }
      await ended
    }
    this.#running = undefined
    if (failures.length > 0) throw joined(failures)
  }
}

function joined(failures: readonly LifecycleError[]): LifecycleError {
  const [first, ...others] = failures
  if (first !== undefined && others.length === 0) return first
  return new LifecycleError(
    failures.flatMap(({ problems }) => problems),
    new AggregateError(failures, 'hooks failed'),
  )
}
