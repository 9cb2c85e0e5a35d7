import type { CheckEffect } from '../../handler/check-settings.ts'
import type { ProbeName } from '../../transport/probe.ts'
import type { CheckResult } from './watched-check.ts'
import type { TransportCondition } from './transport-condition.ts'

/** Something a probe may depend on, as it is now: a check, or what a transport says of itself. */
export type Condition = Pick<CheckResult, 'name' | 'affects' | 'isPassing' | 'message'> & Partial<CheckResult>

export interface ConditionSources {
  readonly results: readonly CheckResult[]
  /** Of those transports that tell. */
  readonly transports: readonly TransportCondition[]
  /** Whether one that is not ready makes the service so. */
  readonly doTransportsDecide: boolean
  /** Of the background tasks. */
  readonly tasks: readonly Condition[]
}

/**
 * All that decides on a probe or is shown by it. A transport that tells of itself is one check: liveness asks whether it moves, every other
 * probe whether it takes work. What it says is shown also where that passes.
 */
export function toConditions(probe: ProbeName, sources: ConditionSources): readonly Condition[] {
  const { results, transports, doTransportsDecide, tasks } = sources
  const readiness: CheckEffect = doTransportsDecide ? 'readiness' : 'none'
  return [
    ...results,
    ...tasks,
    ...transports.map(({ name, isLive, isReady, reason: message }): Condition => {
      if (probe === 'livez') return { name, affects: 'liveness', isPassing: isLive, message }
      return { name, affects: readiness, isPassing: isReady, message }
    }),
  ]
}
