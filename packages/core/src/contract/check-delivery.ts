import { givenOnly, isRecord, toFound } from '../error/given-value.ts'
import { isErrorCode } from '../error/service-error.ts'
import { ContractError, type SetupProblem } from '../error/setup-error.ts'
import { type DeliveryOptions, deliveryRanges, type Disposition, retryChoices, type RetryOptions } from './delivery.ts'

/**
 * A frozen copy of how messages are to be delivered.
 *
 * @param where What says so, for messages.
 * @throws ContractError `contract.setting` naming the place and what was expected.
 */
export function toDelivery(where: string, given: DeliveryOptions): DeliveryOptions {
  const problems = isRecord(given) ? checkDelivery(where, given) : [notObject(where, given)]
  if (problems.length > 0) throw new ContractError(problems)
  const { failures, retry, concurrency, maxHandlerMs } = given
  return Object.freeze({
    ...(failures && { failures: Object.freeze(givenOnly(failures)) }),
    ...(retry && { retry: Object.freeze(givenOnly(retry)) }),
    ...(concurrency !== undefined && { concurrency }),
    ...(maxHandlerMs !== undefined && { maxHandlerMs }),
  })
}

const { retry: retryRanges, ...ownRanges } = deliveryRanges

const deliveryNames = Object.keys({
  failures: true,
  retry: true,
  concurrency: true,
  maxHandlerMs: true,
} satisfies Record<keyof DeliveryOptions, true>)

const dispositionNames = Object.keys({
  retry: true,
  wait: true,
  dead_letter: true,
  skip: true,
} satisfies Record<Disposition, true>)

function checkDelivery(where: string, given: DeliveryOptions): readonly SetupProblem[] {
  const { failures, retry } = given
  return [
    ...strayNames(where, given, deliveryNames),
    ...(failures === undefined ? [] : checkFailures(`${where}: failures`, failures)),
    ...(retry === undefined ? [] : checkRetry(`${where}: retry`, retry)),
    ...checkRanges(where, given, ownRanges),
  ]
}

function checkFailures(where: string, failures: unknown): readonly SetupProblem[] {
  if (!isRecord(failures)) return [notObject(where, failures)]
  return Object.entries(failures).flatMap(([code, disposition]) => {
    if (!isErrorCode(code)) return [setting(`${where}: "${code}" is no error code`)]
    if (disposition === undefined || dispositionNames.some((name) => name === disposition)) return []
    return [setting(`${where}.${code} must be one of ${dispositionNames.join(', ')}, found ${toFound(disposition)}`)]
  })
}

function checkRetry(where: string, retry: unknown): readonly SetupProblem[] {
  if (!isRecord(retry)) return [notObject(where, retry)]
  return [
    ...strayNames(where, retry, [...Object.keys(retryRanges), ...Object.keys(retryChoices)]),
    ...checkRanges(where, retry, retryRanges),
    ...checkChoices(where, retry),
    ...checkWaits(where, retry),
  ]
}

function checkChoices(where: string, retry: object): readonly SetupProblem[] {
  return Object.entries(retryChoices).flatMap(([name, choices]) => {
    const value: unknown = Reflect.get(retry, name)
    if (value === undefined || choices.some((choice) => choice === value)) return []
    return [setting(`${where}: ${name} must be one of ${choices.join(', ')}, found ${toFound(value)}`)]
  })
}

/** The first wait against the longest, where it says both. */
function checkWaits(where: string, { initialDelayMs, maxDelayMs }: RetryOptions): readonly SetupProblem[] {
  if (initialDelayMs === undefined || maxDelayMs === undefined || !(initialDelayMs > maxDelayMs)) return []
  return [setting(`${where}: initialDelayMs, ${toFound(initialDelayMs)}, exceeds maxDelayMs, ${toFound(maxDelayMs)}`)]
}

type Ranges = Readonly<Record<string, { readonly min: number; readonly max: number }>>

function checkRanges(where: string, given: object, ranges: Ranges): readonly SetupProblem[] {
  return Object.entries(ranges).flatMap(([name, { min, max }]) => {
    const value: unknown = Reflect.get(given, name)
    if (value === undefined || (Number.isInteger(value) && Number(value) >= min && Number(value) <= max)) return []
    return [setting(`${where}: ${name} must be a whole number from ${min} to ${max}, found ${toFound(value)}`)]
  })
}

/** A misspelt one must not be ignored. */
function strayNames(where: string, given: object, known: readonly string[]): readonly SetupProblem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => setting(`${where}: "${name}" is no setting; expected ${known.join(', ')}`))
}

function notObject(where: string, found: unknown): SetupProblem {
  return setting(`${where} must be an object, found ${toFound(found)}`)
}

function setting(message: string): SetupProblem {
  return { code: 'contract.setting', message }
}
