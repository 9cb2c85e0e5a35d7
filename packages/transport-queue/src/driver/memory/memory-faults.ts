import { ConfigError, givenOnly, isRecord, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/**
 * What goes wrong with a memory broker by chance, so that a test sees what a service does then. The same seed and the same calls
 * in the same order have the same faults.
 */
export interface MemoryFaults {
  /** Begins the sequence of chances. @defaultValue 1 @remarks Range 0–4_294_967_295 */
  readonly seed?: number
  /**
   * Share of the requests to store records that fail as `unavailable`. Every other one of them is carried out all the same, and
   * only its answer is lost, as with a broker that goes away.
   *
   * @defaultValue 0
   * @remarks Range 0–1
   */
  readonly produceFailureRatio?: number
  /** The same for commits. @defaultValue 0 @remarks Range 0–1 */
  readonly commitFailureRatio?: number
  /** Longest time that a request takes, commits and fetches too; each takes a part of it by chance. @defaultValue 0 @remarks Range 0–60_000 */
  readonly maxLatencyMs?: number
}

export type MemoryFaultSettings = Readonly<Required<MemoryFaults>>

export const memoryFaultDefaults = Object.freeze({
  seed: 1,
  produceFailureRatio: 0,
  commitFailureRatio: 0,
  maxLatencyMs: 0,
} satisfies MemoryFaults)

/** @throws ConfigError `config.malformed`, `config.out_of_range` */
export function resolveMemoryFaults(faults: MemoryFaults = {}): MemoryFaultSettings {
  if (!isRecord(faults)) throw new ConfigError([check.malformed(`faults must be an object, found ${toFound(faults)}`)])
  const settings = { ...memoryFaultDefaults, ...givenOnly(faults) }
  const problems = [
    ...check.names(faults, Object.keys(memoryFaultDefaults), 'faults'),
    ...check.integer('faults.seed', settings.seed, { min: 0, max: 4_294_967_295 }),
    ...checkRatio('faults.produceFailureRatio', settings.produceFailureRatio),
    ...checkRatio('faults.commitFailureRatio', settings.commitFailureRatio),
    ...check.integer('faults.maxLatencyMs', settings.maxLatencyMs, { min: 0, max: 60_000 }),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(settings)
}

const check = optionCheck('memoryBroker')

function checkRatio(name: string, value: unknown): readonly SetupProblem[] {
  if (typeof value === 'number' && value >= 0 && value <= 1) return []
  return [check.outOfRange(`${name} must be a number from 0 to 1, found ${toFound(value)}`)]
}
