import type { SetupProblem } from '../../error/setup-error.ts'
import { criticalities, defaultCriticality, type Criticality, toCriticality } from './criticality.ts'

/** How a service protects itself against more calls than it can do. */
export interface OverloadOptions {
  /**
   * How long calls may have to wait before they begin; those that would wait longer are refused, the least critical first. None waits
   * more than twice as long, but for a tenth of a second and what the process itself stands still.
   *
   * @defaultValue 100
   * @remarks Range 10–10_000 ms. A guess: what a person does not notice, and a burst of some dozen calls needs.
   */
  readonly maxDelayMs?: number
  /**
   * How many times as long as usual the calls of an operation may take before fewer are let run at a time.
   *
   * @defaultValue 2
   * @remarks Range 1.1–100
   * @see Netflix concurrency-limits, Gradient2Limit: 1.5 there, of what one call takes and not the mean of many
   */
  readonly maxLatencyFactor?: number
  /** So many may run at a time whatever they take. @defaultValue 10 @remarks A whole number above 0 */
  readonly minConcurrentCalls?: number
  /** Of calls whose caller and operation say nothing. @defaultValue `critical` */
  readonly criticality?: Criticality
}

/** With the defaults filled in. */
export type OverloadSettings = Readonly<Required<OverloadOptions>>

/** Defaults of `overload`. */
export const overloadDefaults: OverloadSettings = Object.freeze({
  maxDelayMs: 100,
  maxLatencyFactor: 2,
  minConcurrentCalls: 10,
  criticality: defaultCriticality,
})

/** Fills in defaults; undefined for a service that does not protect itself. */
export function resolveOverload(options: OverloadOptions | undefined): OverloadSettings | undefined {
  return options && Object.freeze({ ...overloadDefaults, ...options })
}

/** What is wrong with the options: `config.out_of_range`. */
export function checkOverload(settings: OverloadSettings | undefined): readonly SetupProblem[] {
  if (settings === undefined) return []
  const { maxDelayMs, maxLatencyFactor, minConcurrentCalls, criticality } = settings
  const found: [boolean, string, unknown][] = [
    [maxDelayMs >= 10 && maxDelayMs <= 10_000, 'maxDelayMs must be from 10 to 10000', maxDelayMs],
    [maxLatencyFactor >= 1.1 && maxLatencyFactor <= 100, 'maxLatencyFactor must be from 1.1 to 100', maxLatencyFactor],
    [
      Number.isSafeInteger(minConcurrentCalls) && minConcurrentCalls > 0,
      'minConcurrentCalls must be a whole number from 1',
      minConcurrentCalls,
    ],
    [toCriticality(criticality) !== undefined, `criticality must be one of ${criticalities.join(', ')}`, criticality],
  ]
  return found
    .filter(([isSound]) => !isSound)
    .map(([, rule, value]) => ({ code: 'config.out_of_range', message: `overload: ${rule}, found ${String(value)}` }))
}
