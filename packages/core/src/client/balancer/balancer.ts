import type { OutgoingCall } from '../client-transport.ts'
import type { PolicyClock } from '../policy/policy-clock.ts'
import type { Target } from '../target/target.ts'

/**
 * A way to choose who gets a call: `roundRobin()`, `weighted()`, `random()`, `leastRequests()`, `peakEwma()`, `consistentHash()`. It keeps
 * nothing of its own, so that several remotes may be given the same.
 */
export interface Balancer {
  readonly name: string
  /** What calls are told apart by, where those of one kind go to the same instance; undefined for a call that may go anywhere. */
  readonly keyOf?: ((input: unknown, call: OutgoingCall) => string | undefined) | undefined
  /** Begins to choose among targets, of which there is one at least. */
  over(targets: readonly Target[], load: Load): Picker
}

/** What a picker knows beside its targets. */
export interface Load {
  readonly clock: PolicyClock
  /** Calls that run on all targets together. */
  readonly runningCount: number
}

/** Chooses among the targets of one list. */
export interface Picker {
  /** Undefined where none is open to the call. */
  pick(choice: Choice, nowMs: number): Target | undefined
}

/** A call that is about to be given to somebody. */
export interface Choice {
  readonly key?: string | undefined
  /** Whether the call may go there: it can be reached as far as is known, and was not tried with the call. */
  isOpen(target: Target): boolean
}

/** The first that is open, from a place in the list on, once around. */
export function firstOpen(targets: readonly Target[], from: number, choice: Choice): Target | undefined {
  const { length } = targets
  for (let ahead = 0; ahead < length; ahead += 1) {
    const target = targets[(from + ahead) % length]
    if (target !== undefined && choice.isOpen(target)) return target
  }
  return undefined
}
