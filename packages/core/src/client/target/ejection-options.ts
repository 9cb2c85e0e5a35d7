import { toFound } from '../../error/given-value.ts'
import type { SetupProblem } from '../../error/setup-error.ts'
import type { OptionCheck } from '../../error/option-check.ts'

/** When an instance that answers, but fails its calls, is given none for a while. */
export interface EjectionOptions {
  /** After so many failed calls in a row. @defaultValue 5 @remarks Range 1–1_000 @see Envoy, `consecutive_5xx` */
  readonly consecutiveFailureCount?: number
  /**
   * How much fewer of its calls may succeed than the mean of all instances, in standard deviations. Looked at every ten seconds, where at
   * least five instances had a hundred calls each.
   *
   * @defaultValue 1.9
   * @remarks Range 0.5–10
   * @see Envoy, `success_rate_stdev_factor`
   */
  readonly deviationFactor?: number
  /** For how long the first time, and up to a quarter longer; each further time as much longer, less one time for each as long without one. @defaultValue 5_000 @remarks Range 100–600_000 ms */
  readonly baseMs?: number
  /** For how long at most. @defaultValue 300_000 @remarks Range `baseMs`–3_600_000 ms @see Envoy, `max_ejection_time` */
  readonly maxMs?: number
  /** The part of all instances that may be out at once; the last one never is. @defaultValue 0.5 @remarks Range 0–1 */
  readonly maxShareRatio?: number
}

export const ejectionDefaults = Object.freeze({
  consecutiveFailureCount: 5,
  deviationFactor: 1.9,
  baseMs: 5_000,
  maxMs: 300_000,
  maxShareRatio: 0.5,
} satisfies EjectionOptions)

export type EjectionSettings = Required<EjectionOptions>

export function checkEjection(check: OptionCheck, given: unknown): readonly SetupProblem[] {
  if (given === undefined || given === false) return []
  if (typeof given !== 'object' || given === null)
    return [check.malformed(`policy.ejection must be options or false, found ${toFound(given)}`)]
  const { consecutiveFailureCount, deviationFactor, baseMs, maxMs, maxShareRatio }: EjectionOptions = given
  return [
    ...check.names(given, Object.keys(ejectionDefaults), 'policy.ejection'),
    ...check.integer('policy.ejection.consecutiveFailureCount', consecutiveFailureCount, { min: 1, max: 1_000 }),
    ...checkNumber(check, ['policy.ejection.deviationFactor', deviationFactor], { min: 0.5, max: 10 }),
    ...check.integer('policy.ejection.baseMs', baseMs, { min: 100, max: 600_000 }),
    ...check.integer('policy.ejection.maxMs', maxMs, { min: baseMs ?? ejectionDefaults.baseMs, max: 3_600_000 }),
    ...checkNumber(check, ['policy.ejection.maxShareRatio', maxShareRatio], { min: 0, max: 1 }),
  ]
}

function checkNumber(
  check: OptionCheck,
  [name, value]: readonly [string, unknown],
  { min, max }: { readonly min: number; readonly max: number },
): readonly SetupProblem[] {
  if (value === undefined || (typeof value === 'number' && value >= min && value <= max)) return []
  return [check.outOfRange(`${name} must be from ${min} to ${max}, found ${toFound(value)}`)]
}
