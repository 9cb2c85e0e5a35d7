import { ConfigError, type SetupProblem } from '../error/setup-error.ts'
import { toFound } from '../error/given-value.ts'

/** What a check that fails for its grace period decides: whether the service takes work, whether it lives, or nothing. */
export type CheckEffect = 'readiness' | 'liveness' | 'none'

/** How often a check runs, how long, and what it decides. */
export interface HealthCheckOptions {
  /**
   * Longest time of one run; one that takes longer has failed, and what it says later does not count. As long as such runs do not end
   * at all, others follow at intervals that double, up to a minute.
   *
   * @defaultValue 2_000
   * @remarks Range 1–60_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly timeoutMs?: number
  /**
   * How often it runs; what it said last counts until then.
   *
   * @defaultValue 5_000
   * @remarks Range 100–3_600_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly intervalMs?: number
  /**
   * How long it may fail, run after run, before that counts. One run that passes ends it. While a check of readiness has never
   * passed there is no grace: a service becomes ready only with what it needs.
   *
   * @defaultValue 10_000 for readiness, 30_000 for liveness, 0 for none
   * @remarks Range 0–3_600_000 ms; 0 lets the first failure count.
   * @throws ConfigError `config.out_of_range`
   */
  readonly gracePeriodMs?: number
  /**
   * `readiness`: the service takes no work while it fails. `liveness`: the platform starts the process anew, which helps only
   * against what is wrong in this process; never check a database, a broker or another service so. `none`: it is shown.
   *
   * @defaultValue `readiness`
   * @throws ConfigError `config.malformed`
   */
  readonly affects?: CheckEffect
}

/** The options of a check with their defaults filled in. */
export type HealthCheckSettings = Required<HealthCheckOptions>

/** What is used where an option of a check is left out. All are guesses, but for the interval: three runs fit into the grace. */
export const healthCheckDefaults = Object.freeze({
  timeoutMs: 2_000,
  intervalMs: 5_000,
  gracePeriodMs: Object.freeze({ readiness: 10_000, liveness: 30_000, none: 0 } satisfies Record<CheckEffect, number>),
  affects: 'readiness',
})

/**
 * Fills in defaults and checks ranges.
 *
 * @param what Names the check in messages.
 * @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once.
 */
export function resolveHealthCheck(what: string, options: HealthCheckOptions = {}): HealthCheckSettings {
  const { affects = healthCheckDefaults.affects as CheckEffect } = options
  const problems: SetupProblem[] = []
  if (!Object.hasOwn(healthCheckDefaults.gracePeriodMs, affects)) {
    const message = `${what}: affects must be readiness, liveness or none, found ${toFound(affects)}`
    problems.push({ code: 'config.malformed', message })
  }
  const settings: HealthCheckSettings = Object.freeze({
    timeoutMs: options.timeoutMs ?? healthCheckDefaults.timeoutMs,
    intervalMs: options.intervalMs ?? healthCheckDefaults.intervalMs,
    gracePeriodMs: options.gracePeriodMs ?? healthCheckDefaults.gracePeriodMs[affects],
    affects,
  })
  problems.push(...ranges.flatMap((range) => checkRange(what, settings, range)))
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

/** The options that are times, with the least and the largest. */
const ranges = [
  ['timeoutMs', 1, 60_000],
  ['intervalMs', 100, 3_600_000],
  ['gracePeriodMs', 0, 3_600_000],
] as const

function checkRange(
  what: string,
  settings: HealthCheckSettings,
  [name, min, max]: (typeof ranges)[number],
): readonly SetupProblem[] {
  const value: unknown = settings[name]
  // Without an effect that is known, there is no default to judge.
  if (value === undefined || (typeof value === 'number' && value >= min && value <= max)) return []
  const message = `${what}: ${name} must be from ${min} to ${max}, found ${toFound(value)}`
  return [{ code: 'config.out_of_range', message }]
}
