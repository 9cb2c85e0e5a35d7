import type { ErrorCode } from '../error/error-code.ts'

/**
 * What becomes of a message that failed: `retry` handles it again a limited number of times, then it is a dead letter; `wait`
 * does so without counting, until it is too old; `dead_letter` never handles it again; `skip` drops it as if it had been handled,
 * and a line of log says so.
 */
export type Disposition = 'retry' | 'wait' | 'dead_letter' | 'skip'

/**
 * What waits behind a message that waits. `key`: later messages of its key, which keep their order, and no others. `partition`: all
 * later messages of its partition, which are handled one after another in their order, whatever their keys. `none`: nothing;
 * messages have no order.
 */
export type MessageOrder = 'key' | 'partition' | 'none'

/**
 * What becomes of a message whose attempts or age are used up. `continue`: it is a dead letter, and messages behind it go on. `halt-key`:
 * it stays where it is, and what waits behind it waits on.
 */
export type ExhaustedAction = 'continue' | 'halt-key'

/** When a message that failed is handled again, and what waits behind it meanwhile. */
export interface RetryOptions {
  /**
   * How often a message is handled before it becomes a dead letter. Failures that say "not now" (`unavailable`,
   * `resource_exhausted`) do not count.
   *
   * @defaultValue 5
   * @remarks Range 1–1_000
   */
  readonly maxAttemptCount?: number
  /**
   * Wait after the first failure; it doubles with every further one.
   *
   * @defaultValue 200, or `maxDelayMs` where that is given alone and is shorter
   * @remarks Range 0–3_600_000 ms
   */
  readonly initialDelayMs?: number
  /**
   * Longest wait, also for a callee that asks for a longer one. Not below `initialDelayMs`.
   *
   * @defaultValue 30_000, or `initialDelayMs` where that is given alone and is longer
   * @remarks Range 0–3_600_000 ms
   */
  readonly maxDelayMs?: number
  /**
   * How long after its first failure a message may hold up its key before it becomes a dead letter, whatever it failed with.
   *
   * @defaultValue 3_600_000, a guess: longer than most outages, shorter than most retention times
   * @remarks Range 0–604_800_000
   */
  readonly maxAgeMs?: number
  /**
   * Which order messages keep, and so what a message holds up that is handled again or held back. With `partition` a consumer works on one
   * message of each partition at a time, and sets none aside; with `none` also messages of one key are handled side by side.
   *
   * @defaultValue `key`
   */
  readonly order?: MessageOrder
  /**
   * What becomes of a message when `maxAttemptCount` or `maxAgeMs` is used up. With `halt-key` its key is halted, or its whole partition where
   * `order` is `partition`, until the message is given attempts anew: by the transport's `retryHalted`, by a restart, or by an owner to whom the
   * partition goes. What is never handled again is a dead letter all the same: codes whose row is `dead_letter`, what nobody can read, and what has expired.
   *
   * @defaultValue `continue`
   * @throws ConfigError `config.malformed` for `halt-key` where `order` is `none`
   */
  readonly onExhausted?: ExhaustedAction
}

/** How a queue delivers the messages of one consumer. What it leaves out is as the transport's options say. */
export interface DeliveryOptions {
  /**
   * What becomes of a message that fails with a code, where that differs from the table of the queue:
   * `{ not_found: 'skip', aborted: 'dead_letter' }`. Of a payload that does not fit its schema too, which is `invalid_argument`.
   * A message that nobody can read is a dead letter whatever this says.
   */
  readonly failures?: { readonly [Code in ErrorCode]?: Disposition }
  readonly retry?: RetryOptions
  /**
   * Most messages that the handler works on at a time in one process.
   *
   * @defaultValue the transport's
   * @remarks Range 1–10_000
   */
  readonly concurrency?: number
  /**
   * Longest time a message may be worked on. For an event this comes before the service's `callTimeoutMs`; for a command the
   * operation's own time counts too, and the shorter of the two ends it.
   *
   * @defaultValue the transport's
   * @remarks Range 1–86_400_000 ms
   */
  readonly maxHandlerMs?: number
}

/** What may be said of those retry options that are no numbers. */
export const retryChoices = Object.freeze({
  order: Object.freeze(['key', 'partition', 'none']),
  onExhausted: Object.freeze(['continue', 'halt-key']),
} satisfies { readonly [Name in keyof RetryOptions]: readonly RetryOptions[Name][] })

/** The least and the largest value of what is a whole number here, and in the options of a queue transport. */
export const deliveryRanges = Object.freeze({
  retry: Object.freeze({
    maxAttemptCount: { min: 1, max: 1_000 },
    initialDelayMs: { min: 0, max: 3_600_000 },
    maxDelayMs: { min: 0, max: 3_600_000 },
    maxAgeMs: { min: 0, max: 604_800_000 },
  } satisfies Record<Exclude<keyof RetryOptions, keyof typeof retryChoices>, Range>),
  concurrency: { min: 1, max: 10_000 },
  maxHandlerMs: { min: 1, max: 86_400_000 },
})

interface Range {
  readonly min: number
  readonly max: number
}
