import {
  deliveryRanges,
  isRecord,
  type OptionCheck,
  type OptionRange,
  retryChoices,
  type RetryOptions,
  type SetupProblem,
  toFound,
} from '@tenon/core/transport'

export const retryDefaults: Readonly<Required<RetryOptions>> = Object.freeze({
  maxAttemptCount: 5,
  initialDelayMs: 200,
  maxDelayMs: 30_000,
  maxAgeMs: 3_600_000,
  order: 'key',
  onExhausted: 'continue',
})

/**
 * What is given, and the rest as it is without. Where only one of the first wait and the longest is given, the other moves as far as
 * it must, or what somebody wrote would be cut by what nobody did.
 */
export function resolveRetry(
  without: Required<RetryOptions>,
  given: RetryOptions = {},
): Readonly<Required<RetryOptions>> {
  const retry = { ...without, ...given }
  const { initialDelayMs, maxDelayMs } = retry
  if (given.maxDelayMs === undefined && initialDelayMs > maxDelayMs && isIn(ranges.maxDelayMs, initialDelayMs))
    return Object.freeze({ ...retry, maxDelayMs: initialDelayMs })
  if (given.initialDelayMs === undefined && initialDelayMs > maxDelayMs && isIn(ranges.initialDelayMs, maxDelayMs))
    return Object.freeze({ ...retry, initialDelayMs: maxDelayMs })
  return Object.freeze(retry)
}

/** What is wrong with what is given for a transport, and with what comes of it. */
export function checkRetry(given: unknown, retry: RetryOptions, check: OptionCheck): readonly SetupProblem[] {
  if (given !== undefined && !isRecord(given))
    return [check.malformed(`retry must be an object, found ${toFound(given)}`)]
  return [
    ...(given === undefined ? [] : check.names(given, [...Object.keys(ranges), ...Object.keys(retryChoices)], 'retry')),
    ...Object.entries(ranges).flatMap(([name, range]) =>
      check.integer(`retry.${name}`, Reflect.get(retry, name), range),
    ),
    ...Object.entries(retryChoices).flatMap(([name, choices]) =>
      check.choice(`retry.${name}`, Reflect.get(retry, name), choices),
    ),
    ...(given === undefined ? [] : checkWaits(given, check)),
    ...checkHalt('retry', retry, check),
  ]
}

/** What a consumer says of its first wait or of its longest, against what its transport says of the other; in words. */
export function contraryWait(own: RetryOptions = {}, ofTransport: RetryOptions = {}): string | undefined {
  const { initialDelayMs, maxDelayMs } = own
  if (maxDelayMs === undefined && exceeds(initialDelayMs, ofTransport.maxDelayMs))
    return `retry.initialDelayMs, ${initialDelayMs}, exceeds retry.maxDelayMs of its transport, ${ofTransport.maxDelayMs}; give it a retry.maxDelayMs too`
  if (initialDelayMs === undefined && exceeds(ofTransport.initialDelayMs, maxDelayMs))
    return `retry.maxDelayMs, ${maxDelayMs}, is below retry.initialDelayMs of its transport, ${ofTransport.initialDelayMs}; give it a retry.initialDelayMs too`
  return undefined
}

function exceeds(first: number | undefined, longest: number | undefined): boolean {
  return first !== undefined && longest !== undefined && first > longest
}

/** A key is halted by its order, so there is none where there is no order. */
export function checkHalt(
  where: string,
  { order, onExhausted }: RetryOptions,
  check: OptionCheck,
): readonly SetupProblem[] {
  if (onExhausted !== 'halt-key' || order !== 'none') return []
  return [check.malformed(`${where}: onExhausted "halt-key" needs order "key" or "partition", found "none"`)]
}

const ranges = deliveryRanges.retry

/** The first wait against the longest, where both are given: else the one that is not gives way. */
function checkWaits({ initialDelayMs, maxDelayMs }: RetryOptions, check: OptionCheck): readonly SetupProblem[] {
  if (initialDelayMs === undefined || maxDelayMs === undefined || !(initialDelayMs > maxDelayMs)) return []
  const words = `retry.initialDelayMs, ${toFound(initialDelayMs)}, exceeds retry.maxDelayMs, ${toFound(maxDelayMs)}`
  return [check.outOfRange(words)]
}

/** What is out of range is told of as it was given, and alone. */
function isIn({ min, max }: OptionRange, value: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
