import type { Gate } from '../../call/gate.ts'
import type { Hook, HookContext } from '../../handler/hook.ts'
import { inject } from '../../handler/inject.ts'
import type { Root } from '../../handler/provider-graph.ts'
import { runAsOwnWork } from './own-work.ts'

/** The points of a service's life at which hooks run, in their order. */
export const hookPoints = Object.freeze(['onStart', 'onReady', 'onDrain', 'onStop'] as const)

export type HookPoint = (typeof hookPoints)[number]

/** The hooks of a service, as its options name them; each list in the order in which it runs, one after another. */
export interface HookLists {
  /**
   * Once all providers and handlers are there, before the service is checked and listens: migrations, caches. One that fails ends
   * the start.
   *
   * @throws LifecycleError `service.hook_failed`, from the start
   */
  readonly onStart?: readonly Hook[]
  /**
   * Once the service is ready for the first time, and announced. One that fails ends the service when all have run: it drains, with exit
   * code 1. None is begun once the service is asked to stop; the one that runs is waited for before `onDrain`.
   *
   * @throws LifecycleError `service.hook_failed`, from the start, where that still waits for them
   */
  readonly onReady?: readonly Hook[]
  /**
   * When the service is about to drain and still serves: what brings work in by itself is to end. Each may take the time it was given,
   * and those without one a fifth of the shutdown together.
   *
   * @throws ConfigError `config.out_of_range`, from the start, for times that do not fit into `shutdownTimeoutMs`
   */
  readonly onDrain?: readonly Hook[]
  /** When nothing is served any more and all providers are still there; also after a start that failed or was given up, once `onStart` had begun. */
  readonly onStop?: readonly Hook[]
}

/** A hook with the values it needs. */
export interface BoundHook {
  readonly point: HookPoint
  readonly name: string
  readonly timeoutMs: number | undefined
  run(context: HookContext): unknown
}

/** What must be created for the hooks. */
export function hookRoots(lists: HookLists): readonly Root[] {
  return hooksOf(lists).map(({ point, hook }) => ({
    name: `hook ${hook.name} (${point})`,
    construct: () => hook.needs.map((need) => inject(need)),
  }))
}

/** All hooks with where they run. */
export function hooksOf(lists: HookLists): readonly { readonly point: HookPoint; readonly hook: Hook }[] {
  return hookPoints.flatMap((point) => (lists[point] ?? []).map((hook) => ({ point, hook })))
}

/** What answers `inject()`. */
interface Constructing {
  construct<Result>(name: string, make: () => Result): Result
}

/** Finds the values that hooks need. They run as work of the service whose gate it is. */
export function bindHooks(lists: HookLists, container: Constructing, gate: Gate): readonly BoundHook[] {
  return hooksOf(lists).map(({ point, hook }) => {
    const { name, needs, timeoutMs } = hook
    const given = container.construct(`hook ${name} (${point})`, () => needs.map((need) => inject(need)))
    return { point, name, timeoutMs, run: (context) => runAsOwnWork(gate, () => hook.run(...given, context)) }
  })
}
