import type { ServiceError } from '@tenon/core/transport'
import { dispositions } from './disposition.ts'
import type { QueueSettings } from '../queue-options.ts'

/** Handle it again after the delay, or never. */
export type NextStep = { readonly action: 'retry'; readonly delayMs: number } | { readonly action: 'dead_letter' }

/** Decides after each failure of one message how it goes on. */
export class RetrySchedule {
  readonly #settings: Pick<QueueSettings, 'retry' | 'clock' | 'random'>
  #failureCount = 0
  #countedCount = 0
  #firstFailedAt: number | undefined

  constructor(settings: Pick<QueueSettings, 'retry' | 'clock' | 'random'>) {
    this.#settings = settings
  }

  /** When the message failed first, in epoch milliseconds; undefined before it did. */
  get firstFailedAt(): number | undefined {
    return this.#firstFailedAt
  }

  next(error: ServiceError): NextStep {
    const { retry, clock } = this.#settings
    const disposition = dispositions[error.code]
    const now = clock.now()
    this.#firstFailedAt ??= now
    this.#failureCount++
    if (disposition === 'retry') this.#countedCount++
    const isTooOld = now - this.#firstFailedAt >= retry.maxAgeMs
    if (disposition === 'dead_letter' || isTooOld || this.#countedCount >= retry.maxAttemptCount)
      return { action: 'dead_letter' }
    return { action: 'retry', delayMs: this.#delayMs(error.details?.retryDelayMs ?? 0) }
  }

  /** Exponential, the upper half at random, and not before the failed callee wants to be asked again. */
  #delayMs(wantedMs: number): number {
    const { retry, random } = this.#settings
    const fullMs = Math.min(retry.maxDelayMs, retry.initialDelayMs * 2 ** (this.#failureCount - 1))
    return Math.min(retry.maxDelayMs, Math.max(wantedMs, fullMs / 2 + random() * (fullMs / 2)))
  }
}
