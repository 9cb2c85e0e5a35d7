import type { ServiceError } from '@tenon/core/transport'
import type { GivenUp } from '../dead-letter/dead-letter.ts'
import type { QueueSettings } from '../queue-options.ts'
import type { Halt } from './halted-messages.ts'
import { dispositionOf, type Failures } from './plan/disposition.ts'

/** Handle it again after the delay, or never. */
export type NextStep =
  | { readonly action: 'retry'; readonly delayMs: number }
  /** Its attempts or its age are used up. */
  | { readonly action: 'exhausted' }
  | { readonly action: 'dead_letter' }
  | { readonly action: 'skip' }

/** How often and when a message is handled again. */
export type RetryLimits = Pick<QueueSettings['retry'], 'maxAttemptCount' | 'initialDelayMs' | 'maxDelayMs' | 'maxAgeMs'>

export interface ScheduleSettings extends Pick<QueueSettings, 'clock' | 'random'> {
  readonly retry: RetryLimits
  /** @defaultValue what the table says of each code */
  readonly failures?: Failures
}

/** How a message failed so far, for whoever handles it on. */
export interface RetryHistory {
  /** When it may be handled again, and when it failed first; in epoch milliseconds. */
  readonly dueAt: number
  readonly firstFailedAt: number
  readonly failureCount: number
  /** Those of them that count. */
  readonly countedCount: number
  /** Of one that is not handled again by itself. */
  readonly halt?: Halt | undefined
  /** Of one that is not handled again, and is to be a dead letter. */
  readonly givenUp?: GivenUp | undefined
}

/** Decides after each failure of one message how it goes on. */
export class RetrySchedule {
  readonly #settings: ScheduleSettings
  #failureCount: number
  #countedCount: number
  #firstFailedAt: number | undefined

  /** Goes on where a history ends. */
  constructor(settings: ScheduleSettings, history?: RetryHistory) {
    this.#settings = settings
    this.#failureCount = history?.failureCount ?? 0
    this.#countedCount = history?.countedCount ?? 0
    this.#firstFailedAt = history?.firstFailedAt
  }

  /** How it has failed so far, to be handled again from then on. */
  historyUntil(dueAt: number): RetryHistory {
    const firstFailedAt = this.#firstFailedAt ?? dueAt
    return { dueAt, firstFailedAt, failureCount: this.#failureCount, countedCount: this.#countedCount }
  }

  /** When the message failed first, in epoch milliseconds; undefined before it did. */
  get firstFailedAt(): number | undefined {
    return this.#firstFailedAt
  }

  next(error: ServiceError): NextStep {
    const { retry, clock, failures } = this.#settings
    const disposition = dispositionOf(error, failures)
    const now = clock.now()
    const firstFailedAt = this.#note(now)
    if (disposition === 'skip') return { action: 'skip' }
    if (disposition === 'retry') this.#countedCount++
    if (disposition === 'dead_letter') return { action: 'dead_letter' }
    const isTooOld = now - firstFailedAt >= retry.maxAgeMs
    if (isTooOld || this.#countedCount >= retry.maxAttemptCount) return { action: 'exhausted' }
    return { action: 'retry', delayMs: this.#delayAfter(error) }
  }

  /**
   * How long it waits after a failure that may be another message's: that uses up neither attempts nor age, and what its code
   * deserves is for whoever failed. Only for a message that is handled alone from then on, or it would never end.
   */
  afterShared(error: ServiceError): number {
    this.#note(this.#settings.clock.now())
    return this.#delayAfter(error)
  }

  /** Counts a failure. When the first was. */
  #note(now: number): number {
    this.#failureCount++
    return (this.#firstFailedAt ??= now)
  }

  #delayAfter(error: ServiceError): number {
    const { retry, failures } = this.#settings
    // Not before the failed callee wants to be asked again, unless that is longer than the longest wait.
    const wantedMs = error.details?.retryDelayMs ?? 0
    const delayMs = Math.min(retry.maxDelayMs, Math.max(wantedMs, backOffMs(this.#failureCount, this.#settings)))
    return dispositionOf(error, failures) === 'wait' ? Math.max(shortestWaitMs, delayMs) : delayMs
  }
}

/** The waits between tries that have no end, and therefore are never none. */
export function* endlessDelays(settings: BackOffSettings): Generator<number, never> {
  for (let failureCount = 1; ; failureCount++) yield Math.max(shortestWaitMs, backOffMs(failureCount, settings))
}

interface BackOffSettings extends Pick<ScheduleSettings, 'random'> {
  readonly retry: Pick<ScheduleSettings['retry'], 'initialDelayMs' | 'maxDelayMs'>
}

/** Exponential, the upper half at random. */
function backOffMs(failureCount: number, { retry, random }: BackOffSettings): number {
  const fullMs = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** Math.min(failureCount - 1, mostDoublings))
  return fullMs / 2 + random() * (fullMs / 2)
}

/** Of what is tried without being counted. A guess: too seldom to keep a process busy. */
const shortestWaitMs = 100
/** More of them exceed every wait, and nothing times infinity is no number. */
const mostDoublings = 31
