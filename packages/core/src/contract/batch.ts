import { givenOnly, isRecord, toFound } from '../error/given-value.ts'
import { ContractError, type SetupProblem } from '../error/setup-error.ts'

/** How messages are put together for a consumer that takes several at once. */
export interface BatchOptions {
  /**
   * Most messages of a batch. It holds at most one of a key, unless `retry.order` is `none`: the next of the key comes when this one has
   * its outcome.
   *
   * @remarks Range 1–10_000
   */
  readonly maxCount: number
  /**
   * How long the first message of a batch waits for others, until there are `maxCount`. It waits no longer where no others can come.
   *
   * @defaultValue 100, a guess: no user waits for what is handled in batches, and ten round trips a second cost little
   * @remarks Range 0–60_000 ms; 0 takes what is there
   */
  readonly maxWaitMs?: number
}

/** The same with its defaults. */
export type BatchSettings = Readonly<Required<BatchOptions>>

export const batchDefaults = Object.freeze({ maxWaitMs: 100 })

const ranges = {
  maxCount: { min: 1, max: 10_000 },
  maxWaitMs: { min: 0, max: 60_000 },
} as const satisfies Record<keyof BatchOptions, { readonly min: number; readonly max: number }>

/**
 * What somebody says of batches, with the defaults.
 *
 * @param where What says so, for messages.
 * @throws ContractError `contract.setting` naming the place and what was expected.
 */
export function toBatch(where: string, given: BatchOptions): BatchSettings {
  if (!isRecord(given)) throw new ContractError([setting(`${where} must be an object, found ${toFound(given)}`)])
  const { maxCount, maxWaitMs } = { ...batchDefaults, ...givenOnly(given) }
  const problems = [
    ...Object.keys(given)
      .filter((name) => !Object.hasOwn(ranges, name))
      .map((name) => setting(`${where}: "${name}" is no setting; expected ${Object.keys(ranges).join(', ')}`)),
    ...checkRange(`${where}: maxCount`, maxCount, ranges.maxCount),
    ...checkRange(`${where}: maxWaitMs`, maxWaitMs, ranges.maxWaitMs),
  ]
  if (problems.length > 0) throw new ContractError(problems)
  return Object.freeze({ maxCount, maxWaitMs })
}

function checkRange(
  where: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): readonly SetupProblem[] {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return []
  const found = value === undefined ? 'nothing' : toFound(value)
  return [setting(`${where} must be a whole number from ${min} to ${max}, found ${found}`)]
}

function setting(message: string): SetupProblem {
  return { code: 'contract.setting', message }
}
