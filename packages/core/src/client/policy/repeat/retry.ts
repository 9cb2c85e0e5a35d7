import { drainingReason } from '../../../call/gate.ts'
import type { Idempotency } from '../../../contract/operation.ts'
import type { ErrorCode } from '../../../error/error-code.ts'
import { givenOnly } from '../../../error/given-value.ts'
import type { OptionCheck } from '../../../error/option-check.ts'
import { ServiceError } from '../../../error/service-error.ts'
import type { SetupProblem } from '../../../error/setup-error.ts'
import { canGoElsewhere } from '../../elsewhere.ts'
import { wasNotSent } from '../../not-sent.ts'

/** When a call that failed is made again. */
export interface RetryPolicy {
  /**
   * How many attempts a call has, the first one included.
   *
   * @defaultValue 3
   * @remarks Range 2–10
   */
  readonly maxAttemptCount?: number
  /**
   * Longest wait before the second attempt; it doubles with every further one. The wait itself is random, from 0 up to that, so that callers which failed
   * together do not come back together.
   *
   * @defaultValue 50, a guess: some round trips within a data centre
   * @remarks Range 0–60_000 ms
   */
  readonly initialDelayMs?: number
  /**
   * What the longest wait never exceeds, except for a remote that asks for a longer one.
   *
   * @defaultValue 1_000, a guess
   * @remarks Range `initialDelayMs`–600_000 ms
   */
  readonly maxDelayMs?: number
  /**
   * How long one attempt may take. One that takes longer is given up, and counts as failed with `deadline_exceeded`; the call goes on while it has time
   * left. So an instance that hangs does not use up the whole of it. Of an output stream it is the time until the first item, and counts where it is said for that
   * operation: for all operations of a remote it counts for those without output streams, of which some say nothing until something happens.
   *
   * @defaultValue what the call has left
   * @remarks Range 1–3_600_000 ms
   */
  readonly attemptTimeoutMs?: number
}

export interface RetrySettings extends Required<Omit<RetryPolicy, 'attemptTimeoutMs'>> {
  readonly attemptTimeoutMs: number | undefined
}

export const retryDefaults = Object.freeze({ maxAttemptCount: 3, initialDelayMs: 50, maxDelayMs: 1_000 })

export function resolveRetry(given: RetryPolicy): RetrySettings {
  const { initialDelayMs = Math.min(retryDefaults.initialDelayMs, given.maxDelayMs ?? Number.POSITIVE_INFINITY) } =
    given
  const maxDelayMs = given.maxDelayMs ?? Math.max(retryDefaults.maxDelayMs, initialDelayMs)
  return Object.freeze({
    attemptTimeoutMs: undefined,
    ...retryDefaults,
    ...givenOnly(given),
    initialDelayMs,
    maxDelayMs,
  })
}

/** @param where `policy.retry` */
export function checkRetry(check: OptionCheck, where: string, retry: RetryPolicy): readonly SetupProblem[] {
  const { maxAttemptCount, initialDelayMs, maxDelayMs, attemptTimeoutMs } = retry
  const isReversed = initialDelayMs !== undefined && maxDelayMs !== undefined && initialDelayMs > maxDelayMs
  return [
    ...check.names(retry, [...Object.keys(retryDefaults), 'attemptTimeoutMs'], where),
    ...check.integer(`${where}.maxAttemptCount`, maxAttemptCount, { min: 2, max: 10 }),
    ...check.integer(`${where}.initialDelayMs`, initialDelayMs, { min: 0, max: 60_000 }),
    ...check.integer(`${where}.maxDelayMs`, maxDelayMs, { min: 0, max: 600_000 }),
    ...check.integer(`${where}.attemptTimeoutMs`, attemptTimeoutMs, { min: 1, max: 3_600_000 }),
    ...(isReversed
      ? [check.outOfRange(`${where}.initialDelayMs, ${initialDelayMs}, exceeds maxDelayMs, ${maxDelayMs}`)]
      : []),
  ]
}

/** What a failed attempt was. */
export interface FailedAttempt {
  readonly error: unknown
  readonly idempotency: Idempotency
  /** How many attempts were made. */
  readonly attemptCount: number
  readonly settings: RetrySettings
}

/**
 * How long to wait before a call is made again, in milliseconds; undefined where it is not to be.
 *
 * @see AWS Architecture Blog, Exponential Backoff And Jitter: full jitter
 */
export function delayBeforeRetry(failed: FailedAttempt, random: () => number): number | undefined {
  const { error, attemptCount, settings } = failed
  if (!ServiceError.is(error) || attemptCount >= settings.maxAttemptCount || !mayRepeat(error, failed)) return undefined
  const longestMs = Math.min(settings.maxDelayMs, settings.initialDelayMs * 2 ** (attemptCount - 1))
  return (isOfOneInstance(error) ? 0 : toldDelay(error)) + random() * longestMs
}

/** What was not sent may always be repeated; anything else where twice is as good as once, and the code says that another attempt may fare better. */
function mayRepeat(error: ServiceError, { idempotency, settings }: FailedAttempt): boolean {
  if (wasNotSent(error)) return true
  if (idempotency === 'none') return false
  const rule = repeatable[error.code]
  if (rule === 'when_told') return toldDelay(error) > 0
  if (rule === 'when_attempts_end') return settings.attemptTimeoutMs !== undefined
  return rule === 'always'
}

/** Whether a failure is an answer: another attempt would come to the same. */
export function isFinal(error: unknown): boolean {
  return !ServiceError.is(error) || repeatable[error.code] === 'never'
}

/** One that shuts down says when its successor may be there; others are there now. */
function isOfOneInstance(error: ServiceError): boolean {
  return error.reason === drainingReason && canGoElsewhere(error)
}

/** Says a remote when it wants to be asked again: `Retry-After`, `google.rpc.RetryInfo`. */
function toldDelay({ details }: ServiceError): number {
  const delayMs: unknown = details?.retryDelayMs
  return typeof delayMs === 'number' && delayMs > 0 ? delayMs : 0
}

/**
 * Which codes say that the same call may succeed a moment later.
 *
 * @see google.rpc.Code: `unavailable` may be retried, `aborted` and `failed_precondition` not by repeating the same call; OTLP specification:
 *   `resource_exhausted` only with `RetryInfo`
 */
const repeatable = {
  cancelled: 'never',
  unknown: 'never',
  invalid_argument: 'never',
  deadline_exceeded: 'when_attempts_end',
  not_found: 'never',
  already_exists: 'never',
  permission_denied: 'never',
  resource_exhausted: 'when_told',
  failed_precondition: 'never',
  aborted: 'never',
  out_of_range: 'never',
  unimplemented: 'never',
  internal: 'never',
  unavailable: 'always',
  data_loss: 'never',
  unauthenticated: 'never',
} as const satisfies Record<ErrorCode, 'always' | 'never' | 'when_told' | 'when_attempts_end'>
