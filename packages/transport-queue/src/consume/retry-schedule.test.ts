import { type Disposition, type ErrorCode, errorCodes, markUnreadable, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endlessDelays, type NextStep, RetrySchedule } from './retry-schedule.ts'

/** As docs/design.md has it: a copy, so that a change of the table shows. */
const table: Readonly<Record<ErrorCode, Disposition>> = {
  cancelled: 'retry',
  unknown: 'retry',
  invalid_argument: 'dead_letter',
  deadline_exceeded: 'retry',
  not_found: 'retry',
  already_exists: 'dead_letter',
  permission_denied: 'dead_letter',
  resource_exhausted: 'wait',
  failed_precondition: 'retry',
  aborted: 'retry',
  out_of_range: 'dead_letter',
  unimplemented: 'dead_letter',
  internal: 'retry',
  unavailable: 'wait',
  data_loss: 'dead_letter',
  unauthenticated: 'dead_letter',
}

const code = fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[]))
const disposition = fc.constantFrom<Disposition>('retry', 'wait', 'dead_letter', 'skip')
const failures = fc.dictionary(code, disposition, { maxKeys: 6 })
const retry = fc.record({
  maxAttemptCount: fc.integer({ min: 1, max: 8 }),
  initialDelayMs: fc.integer({ min: 0, max: 1_000 }),
  maxDelayMs: fc.integer({ min: 0, max: 2_000 }),
  maxAgeMs: fc.integer({ min: 0, max: 20_000 }),
})
const failure = fc.record({
  code,
  isUnreadable: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  tookMs: fc.integer({ min: 0, max: 2_000 }),
  wantedMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
})

interface Failed {
  readonly code: ErrorCode
  readonly isUnreadable: boolean
  readonly tookMs: number
  readonly wantedMs: number | undefined
}

function errorOf({ code: of, isUnreadable, wantedMs }: Failed): ServiceError {
  const error = new ServiceError(of, 'no', wantedMs === undefined ? {} : { details: { retryDelayMs: wantedMs } })
  return isUnreadable ? markUnreadable(error) : error
}

interface Rules {
  readonly failures: { readonly [Code in ErrorCode]?: Disposition }
  readonly retry: {
    readonly maxAttemptCount: number
    readonly initialDelayMs: number
    readonly maxDelayMs: number
    readonly maxAgeMs: number
  }
}

/** What becomes of a message after its last failure, by all that failed so far, said in the plainest way. */
function expected(failed: readonly Failed[], rules: Rules): NextStep['action'] {
  const last = failed.at(-1)
  if (last === undefined) throw new Error('nothing failed')
  const of = (one: Failed): Disposition =>
    one.isUnreadable ? 'dead_letter' : (rules.failures[one.code] ?? table[one.code])
  if (of(last) === 'skip' || of(last) === 'dead_letter') return of(last) as NextStep['action']
  const ageMs = failed.slice(1).reduce((sum, { tookMs }) => sum + tookMs, 0)
  const countedCount = failed.filter((one) => of(one) === 'retry').length
  return ageMs >= rules.retry.maxAgeMs || countedCount >= rules.retry.maxAttemptCount ? 'exhausted' : 'retry'
}

describe('a message that fails again and again', () => {
  test('ends as its codes, its consumer and its limits say, and no sooner or later', () => {
    fc.assert(
      fc.property(fc.array(failure, { minLength: 1, maxLength: 12 }), failures, retry, (failed, own, limits) => {
        let now = 0
        const clock = { now: () => now, wait: () => Promise.resolve() }
        const schedule = new RetrySchedule({ retry: limits, failures: own, clock, random: () => 1 })
        for (const [index, one] of failed.entries()) {
          now += one.tookMs
          const step = schedule.next(errorOf(one))
          const action = expected(failed.slice(0, index + 1), { failures: own, retry: limits })
          expect(step.action).toBe(action)
          expect(schedule.firstFailedAt).toBe(failed[0]?.tookMs)
          if (action !== 'retry') return
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('waits twice as long each time, at least what its callee asks for, and never longer than the longest wait', () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.array(failure, { minLength: 1, maxLength: 12 }), retry, shares, (failed, limits, share) => {
        const lasting = { ...limits, maxAttemptCount: 1_000, maxAgeMs: Number.POSITIVE_INFINITY }
        const clock = { now: () => 0, wait: () => Promise.resolve() }
        const schedule = new RetrySchedule({ retry: lasting, clock, random: () => share })
        for (const [index, { wantedMs = 0 }] of failed.entries()) {
          const error = new ServiceError('internal', 'no', { details: { retryDelayMs: wantedMs } })
          const step = schedule.next(error)
          const delayMs = step.action === 'retry' ? step.delayMs : Number.NaN
          const fullMs = Math.min(lasting.maxDelayMs, lasting.initialDelayMs * 2 ** index)
          expect(delayMs).toBeGreaterThanOrEqual(Math.min(lasting.maxDelayMs, Math.max(wantedMs, fullMs / 2)))
          expect(delayMs).toBeLessThanOrEqual(Math.max(Math.min(lasting.maxDelayMs, wantedMs), fullMs))
        }
      }),
    )
  })
})

test('tries that have no end wait as long as the others', () => {
  const limits = { maxAttemptCount: 1, initialDelayMs: 100, maxDelayMs: 500, maxAgeMs: 0 }
  const delays = endlessDelays({ retry: limits, random: () => 1 })
  expect(Array.from({ length: 5 }, () => delays.next().value)).toEqual([100, 200, 400, 500, 500])
})

const noWait = { maxAttemptCount: 1, initialDelayMs: 0, maxDelayMs: 500, maxAgeMs: Number.POSITIVE_INFINITY }

test('tries that have no end are never made without a wait', () => {
  const delays = endlessDelays({ retry: noWait, random: () => 1 })
  const some = Array.from({ length: 2_000 }, () => delays.next().value)
  expect(new Set(some)).toEqual(new Set([100]))
})

test('what fails as not now is never handled again without a wait, however often it failed', () => {
  const clock = { now: () => 0, wait: () => Promise.resolve() }
  const schedule = new RetrySchedule({ retry: noWait, clock, random: () => 1 })
  const error = new ServiceError('unavailable', 'not now')
  const steps = Array.from({ length: 2_000 }, () => schedule.next(error))
  expect(new Set(steps.map((step) => step.action === 'retry' && step.delayMs))).toEqual(new Set([100]))
})

test('what counts is handled again at once where its limits say so', () => {
  const clock = { now: () => 0, wait: () => Promise.resolve() }
  const retry = { ...noWait, maxAttemptCount: 2_000 }
  const schedule = new RetrySchedule({ retry, clock, random: () => 1 })
  const steps = Array.from({ length: 1_999 }, () => schedule.next(new ServiceError('internal', 'no')))
  expect(new Set(steps.map((step) => step.action === 'retry' && step.delayMs))).toEqual(new Set([0]))
})
