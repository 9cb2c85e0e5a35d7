import { deliveryRanges, type OptionRange, type RetryOptions } from '@tenon/core/transport'

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

const ranges = deliveryRanges.retry

/** What is out of range is told of as it was given, and alone. */
function isIn({ min, max }: OptionRange, value: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
