import type { CheckEffect } from '../../handler/check-settings.ts'
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
}

/** Everything that decides on probes or is shown by them. A transport that tells of itself is two: whether it moves, and takes work. */
export function toConditions({ results, transports, doTransportsDecide }: ConditionSources): readonly Condition[] {
  const readiness: CheckEffect = doTransportsDecide ? 'readiness' : 'none'
  return [
    ...results,
    ...transports.flatMap(({ name, isLive, isReady, reason }) => [
      { name, affects: 'liveness' as const, isPassing: isLive, message: isLive ? undefined : reason },
      { name, affects: readiness, isPassing: isReady, message: isReady ? undefined : reason },
    ]),
  ]
}
