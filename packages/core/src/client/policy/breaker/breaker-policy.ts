import { isRecord, toFound } from '../../../error/given-value.ts'
import type { OptionCheck } from '../../../error/option-check.ts'
import type { SetupProblem } from '../../../error/setup-error.ts'

/** Whom the breaker of a remote keeps calls from, beside the remote as a whole. */
export interface BreakerPolicy {
  /**
   * Whether each of several instances has a breaker of its own too. A call that it would refuse is given to another instance; where all would, it is
   * given to one of them all the same, as the remote's own breaker has let it through.
   *
   * @defaultValue true
   */
  readonly perInstance?: boolean
}

/** @param given `policy.breaker` */
export function hasInstanceBreakers(given: BreakerPolicy | boolean | undefined): boolean {
  return given === true || (typeof given === 'object' && (given.perInstance ?? true))
}

export function checkBreaker(check: OptionCheck, given: unknown): readonly SetupProblem[] {
  if (given === undefined || typeof given === 'boolean') return []
  if (!isRecord(given))
    return [check.malformed(`policy.breaker must be true, false or { perInstance }, found ${toFound(given)}`)]
  return [
    ...check.names(given, ['perInstance'], 'policy.breaker'),
    ...check.boolean('policy.breaker.perInstance', given['perInstance']),
  ]
}
