import type { Target } from '../target/target.ts'
import type { Balancer, Choice, Load, Picker } from './balancer.ts'

/**
 * Whoever has the fewest of this process's calls for its weight; one that warms up counts as having more. Looks at all, so that it costs
 * more the more there are.
 */
export function leastRequests(): Balancer {
  return Object.freeze({
    name: 'leastRequests',
    over: (targets: readonly Target[], load: Load) => new LeastRequests(targets, load),
  })
}

class LeastRequests implements Picker {
  readonly #targets: readonly Target[]
  readonly #load: Load

  constructor(targets: readonly Target[], load: Load) {
    this.#targets = targets
    this.#load = load
  }

  pick(choice: Choice, nowMs: number): Target | undefined {
    let least = Number.POSITIVE_INFINITY
    let count = 0
    for (const target of this.#targets) {
      const load = loadOf(target, choice, nowMs)
      if (load > least || load === Number.POSITIVE_INFINITY) continue
      count = load === least ? count + 1 : 1
      least = load
    }
    // Of several with as few, each is as likely.
    let ahead = Math.floor(this.#load.clock.random() * count)
    if (count === 0) return undefined
    return this.#targets.find((target) => loadOf(target, choice, nowMs) === least && ahead-- === 0)
  }
}

/** Infinity of one that is closed to the call. */
function loadOf(target: Target, choice: Choice, nowMs: number): number {
  if (!choice.isOpen(target)) return Number.POSITIVE_INFINITY
  return (target.runningCount + 1) / (target.weight * target.warmth(nowMs))
}
