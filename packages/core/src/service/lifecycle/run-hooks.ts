import { LifecycleError } from '../../error/setup-error.ts'
import { withTimeLimit } from '../../handler/time-limit.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { BoundHook } from './bound-hooks.ts'
import { throwErrors } from './servers.ts'
import { partOf } from './shutdown.ts'

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
 * Runs all hooks one after another, so that one that hangs keeps none of the others from running: each may take what those behind it do
 * not need, or its part of the time where that is less than all need.
 *
 * @param needsMs Of each hook, its even part unless given.
 * @throws AggregateError of all that failed, each a LifecycleError `service.hook_failed`.
 */
export async function runAll(
  hooks: readonly BoundHook[],
  time: HookTime,
  needsMs: readonly number[] = hooks.map(() => time.timeoutMs / hooks.length),
): Promise<void> {
  const endsAtMs = performance.now() + time.timeoutMs
  const failures: Error[] = []
  for (const [index, hook] of hooks.entries()) {
    const [needMs = 0, ...others] = needsMs.slice(index)
    const laterMs = others.reduce((sum, other) => sum + other, 0)
    const timeoutMs = partOf(endsAtMs - performance.now(), needMs, laterMs)
    await runHook(hook, { ...time, timeoutMs }).catch((failure: Error) => failures.push(failure))
  }
  throwErrors(failures, 'hooks failed')
}

/**
 * Runs a hook, which may take less than there is when it was given less.
 *
 * @throws LifecycleError `service.hook_failed`
 */
export async function runHook(hook: BoundHook, { timeoutMs: leftMs, signal, log }: HookTime): Promise<void> {
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
