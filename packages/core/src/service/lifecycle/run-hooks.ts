import { LifecycleError } from '../../error/setup-error.ts'
import { withTimeLimit } from '../../handler/time-limit.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { BoundHook } from './bound-hooks.ts'
import { throwErrors } from './servers.ts'

/** The time that hooks have together. */
export interface HookTime {
  readonly timeoutMs: number
  /** Fires when they are to be given up. */
  readonly signal: AbortSignal
  readonly log: Logger
}

/**
 * Runs hooks one after another; the first that fails is the last.
 *
 * @throws LifecycleError `service.hook_failed`
 */
export async function runInOrder(hooks: readonly BoundHook[], time: HookTime): Promise<void> {
  const endsAtMs = performance.now() + time.timeoutMs
  for (const hook of hooks) {
    if (time.signal.aborted) return
    await runHook(hook, { ...time, timeoutMs: endsAtMs - performance.now() })
  }
}

/**
 * Runs all hooks one after another. Each may take its even part of what is left, so that one that hangs keeps none of the others
 * from it.
 *
 * @throws AggregateError of all that failed, each a LifecycleError `service.hook_failed`.
 */
export async function runAll(hooks: readonly BoundHook[], time: HookTime): Promise<void> {
  const endsAtMs = performance.now() + time.timeoutMs
  const failures: Error[] = []
  for (const [index, hook] of hooks.entries()) {
    const shareMs = (endsAtMs - performance.now()) / (hooks.length - index)
    await runHook(hook, { ...time, timeoutMs: shareMs }).catch((failure: Error) => failures.push(failure))
  }
  throwErrors(failures, 'hooks failed')
}

async function runHook(hook: BoundHook, { timeoutMs: leftMs, signal, log }: HookTime): Promise<void> {
  const { name, point } = hook
  const timeoutMs = Math.max(0, Math.min(hook.timeoutMs ?? leftMs, leftMs))
  const tooLate = () => new Error(`no end within ${Math.round(timeoutMs)} ms`)
  const run = (limit: AbortSignal) =>
    hook.run({ signal: AbortSignal.any([limit, signal]), log: log.child({ hook: name }) })
  try {
    await withTimeLimit(run, { timeoutMs, tooLate })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new LifecycleError(
      [{ code: 'service.hook_failed', message: `${point} hook ${name} failed: ${reason}` }],
      cause,
    )
  }
}
