import {
  ConfigError,
  givenOnly,
  isRecord,
  optionCheck,
  type OptionRange,
  type SetupProblem,
  toFound,
} from '@tenon/core/transport'
import type { QueueDriver } from './queue-driver.ts'
import { type QueueClock, systemClock } from './wait.ts'

/** When a message that failed is handled again. Messages of its partition wait behind it. */
export interface RetryOptions {
  /**
   * How often a message is handled before it becomes a dead letter. Failures that say "not now" (`unavailable`,
   * `resource_exhausted`) do not count.
   *
   * @defaultValue 5
   * @remarks Range 1–1_000
   */
  readonly maxAttemptCount?: number
  /** Wait after the first failure; it doubles with every further one. @defaultValue 200 @remarks Range 0–3_600_000 */
  readonly initialDelayMs?: number
  /** Longest wait. @defaultValue 30_000 @remarks Range 0–3_600_000 */
  readonly maxDelayMs?: number
  /**
   * How long after its first failure a message may hold up its partition before it becomes a dead letter, whatever it
   * failed with.
   *
   * @defaultValue 3_600_000, a guess: longer than most outages, shorter than most retention times
   * @remarks Range 0–604_800_000
   */
  readonly maxAgeMs?: number
}

export interface QueueOptions {
  /** The broker: `queueDriver({ brokers })`, `memoryDriver()`, `kafkajsDriver(…)`. */
  readonly driver: QueueDriver
  readonly retry?: RetryOptions
  /** Partitions of topics that do not exist yet. @defaultValue what the broker is set to @remarks Range 1–10_000 */
  readonly partitionCount?: number
  /** How long publishing may take before it fails as `unavailable`. @defaultValue 10_000 @remarks Range 1–600_000 */
  readonly requestTimeoutMs?: number
  /**
   * Longest time between the outcome of a message and its commit; 0 commits each before the next is handled. What is not
   * committed when a process dies is handled again.
   *
   * @defaultValue 200, a guess: five commits a second cost nothing, and few messages come twice
   * @remarks Range 0–60_000
   */
  readonly commitIntervalMs?: number
  /**
   * Most messages that a handler works on at a time, over all partitions of its topic. Messages of one key are handled one after
   * another all the same; 1 handles them all one after another.
   *
   * @defaultValue 16, a guess: enough for handlers that wait, not enough to flood what they wait for
   * @remarks Range 1–10_000
   */
  readonly concurrency?: number
  /**
   * Most messages of a partition that are taken since the oldest one without an outcome. Beyond that the partition waits for it.
   * All of them come again when the process dies.
   *
   * @defaultValue 1_000, a guess
   * @remarks Range 1–100_000. A driver hands over several at a time, which may go beyond it once.
   */
  readonly maxUncommittedCount?: number
  /**
   * Longest time a message may be worked on; then its `call.signal` fires, and it has failed as `deadline_exceeded`. For a handler
   * that goes on regardless its key waits as long again, then it is overtaken, which is logged as an error.
   *
   * @defaultValue 300_000
   * @remarks Range 1–86_400_000 ms
   * @see Kafka, max.poll.interval.ms: the same
   */
  readonly maxHandlerMs?: number
  /**
   * Largest message that is handled; a larger one becomes a dead letter, undecoded.
   *
   * @defaultValue 4_194_304, what gRPC takes
   * @remarks Range 1–1_073_741_824
   */
  readonly maxMessageBytes?: number
  /** How long the start waits to be given partitions; it goes on without them then. @defaultValue 10_000 @remarks Range 0–600_000 */
  readonly joinTimeoutMs?: number
  /** Time, for tests. */
  readonly clock?: QueueClock
  /** A number from 0 to 1 that spreads retries, for tests. @defaultValue Math.random */
  readonly random?: () => number
}

export const queueDefaults = Object.freeze({
  retry: Object.freeze({ maxAttemptCount: 5, initialDelayMs: 200, maxDelayMs: 30_000, maxAgeMs: 3_600_000 }),
  requestTimeoutMs: 10_000,
  commitIntervalMs: 200,
  concurrency: 16,
  maxUncommittedCount: 1_000,
  maxHandlerMs: 300_000,
  maxMessageBytes: 4_194_304,
  joinTimeoutMs: 10_000,
})

export interface QueueSettings {
  readonly driver: QueueDriver
  readonly retry: Readonly<Required<RetryOptions>>
  readonly partitionCount: number | undefined
  readonly requestTimeoutMs: number
  readonly commitIntervalMs: number
  readonly concurrency: number
  readonly maxUncommittedCount: number
  readonly maxHandlerMs: number
  readonly maxMessageBytes: number
  readonly joinTimeoutMs: number
  readonly clock: QueueClock
  readonly random: () => number
}

const check = optionCheck('queueTransport')

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveQueue(options: QueueOptions): QueueSettings {
  if (!isRecord(options))
    throw new ConfigError([check.malformed(`the options must be an object with driver, found ${toFound(options)}`)])
  const settings: QueueSettings = Object.freeze({
    partitionCount: undefined,
    clock: systemClock,
    random: Math.random,
    ...queueDefaults,
    ...givenOnly(options),
    retry: Object.freeze({ ...queueDefaults.retry, ...(isRecord(options.retry) && givenOnly(options.retry)) }),
  })
  const problems = [...checkForm(options), ...checkRanges(settings)]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const names: Readonly<Record<keyof QueueOptions, true>> = {
  driver: true,
  retry: true,
  partitionCount: true,
  requestTimeoutMs: true,
  commitIntervalMs: true,
  concurrency: true,
  maxUncommittedCount: true,
  maxHandlerMs: true,
  maxMessageBytes: true,
  joinTimeoutMs: true,
  clock: true,
  random: true,
}

const retryNames: Readonly<Record<keyof RetryOptions, true>> = {
  maxAttemptCount: true,
  initialDelayMs: true,
  maxDelayMs: true,
  maxAgeMs: true,
}

function checkForm(options: QueueOptions & Readonly<Record<string, unknown>>): readonly SetupProblem[] {
  const { driver, retry } = options
  const found = driver === undefined ? 'nothing' : toFound(driver)
  const isDriver = isRecord(driver) || typeof driver === 'function'
  return [
    ...check.names(options, Object.keys(names)),
    ...(isDriver ? [] : [check.malformed(`driver must be a driver such as queueDriver({ brokers }), found ${found}`)]),
    ...(isRecord(retry) ? check.names(retry, Object.keys(retryNames), 'retry') : []),
    ...(retry === undefined || isRecord(retry)
      ? []
      : [check.malformed(`retry must be an object, found ${toFound(retry)}`)]),
  ]
}

/** The least and the largest of those that are whole numbers. */
const ranges = {
  partitionCount: { min: 1, max: 10_000 },
  requestTimeoutMs: { min: 1, max: 600_000 },
  commitIntervalMs: { min: 0, max: 60_000 },
  concurrency: { min: 1, max: 10_000 },
  maxUncommittedCount: { min: 1, max: 100_000 },
  maxHandlerMs: { min: 1, max: 86_400_000 },
  maxMessageBytes: { min: 1, max: 1_073_741_824 },
  joinTimeoutMs: { min: 0, max: 600_000 },
} as const satisfies Partial<Record<keyof QueueOptions, OptionRange>>

const retryRanges = {
  maxAttemptCount: { min: 1, max: 1_000 },
  initialDelayMs: { min: 0, max: 3_600_000 },
  maxDelayMs: { min: 0, max: 3_600_000 },
  maxAgeMs: { min: 0, max: 604_800_000 },
} as const satisfies Record<keyof RetryOptions, OptionRange>

function checkRanges(settings: QueueSettings): readonly SetupProblem[] {
  return [
    ...Object.entries(retryRanges).flatMap(([name, range]) =>
      check.integer(`retry.${name}`, Reflect.get(settings.retry, name), range),
    ),
    ...Object.entries(ranges).flatMap(([name, range]) => check.integer(name, Reflect.get(settings, name), range)),
  ]
}
