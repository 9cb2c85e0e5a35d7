import {
  ConfigError,
  deliveryRanges,
  givenOnly,
  isRecord,
  optionCheck,
  type OptionRange,
  type PayloadFormat,
  type RetryOptions,
  type SetupProblem,
  toFound,
} from '@tenon/core/transport'
import { checkFormats } from './format/check-formats.ts'
import { PayloadFormats } from './format/payload-formats.ts'
import {
  checkPublishing,
  publishingDefaults,
  publishingNames,
  type PublishingOptions,
  type PublishingSettings,
} from './publish/publishing-options.ts'
import type { QueueDriver } from './queue-driver.ts'
import { checkRetry, resolveRetry, retryDefaults } from './retry-options.ts'
import { checkSelectors, TopicSelection, type TopicSelector } from './topic-selection.ts'
import { type QueueClock, systemClock } from './wait.ts'

export interface QueueOptions extends PublishingOptions {
  /**
   * The connection's name, which the transports of a service tell apart: in `call.transport`, `/info`, logs and errors.
   *
   * @defaultValue queue
   * @remarks Lower-case letters, digits and `-`, a letter first, at most 63
   */
  readonly name?: string
  /** The broker: `queueDriver({ brokers })`, `memoryDriver()`, `kafkajsDriver(…)`. */
  readonly driver: QueueDriver
  /**
   * What this connection carries, where a service has several: events, operations with a queue binding, and names of topics, which
   * may end in `*` for all that begin so. Its consumers read nothing else, and its publisher sends nothing else. A topic that
   * the service uses and that no connection carries, or more than one, is a `WiringError` that names them.
   *
   * @defaultValue all topics
   */
  readonly topics?: readonly TopicSelector[]
  /**
   * Whom to believe of messages. `topic`: whoever may write to its topics, which the broker decides; nobody asks for a credential. `signed`: a
   * message shows a credential in its headers, as a call does, and the service's `authenticate` and access rules judge it; events then
   * need a known sender. A message that is refused is a dead letter.
   *
   * @defaultValue topic
   */
  readonly trust?: 'topic' | 'signed'
  readonly retry?: RetryOptions
  /** Partitions of topics that do not exist yet. @defaultValue what the broker is set to @remarks Range 1–10_000 */
  readonly partitionCount?: number
  /**
   * How long publishing may take, waiting for its turn included, before it fails as `unavailable`. The running call's deadline ends
   * it sooner. Each try to store a dead letter, or to create its topic, takes no longer either, and is followed by another.
   *
   * @defaultValue 10_000
   * @remarks Range 1–600_000
   */
  readonly requestTimeoutMs?: number
  /**
   * Longest time between the outcome of a message and its commit, once no older message of its partition is without one: an offset
   * says that all before it is done with. 0 commits then at once, and the next message of the key waits for it; what an older
   * message holds up is committed with that one, and its key goes on. What is not committed when a process dies is handled again.
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
   * Most messages of a partition that are handled beyond its last offset that the broker has stored: no more come again when the
   * process dies. Beyond it the partition waits, for its oldest message or for a commit. When half of it is done with, that is
   * committed before `commitIntervalMs` is over.
   *
   * @defaultValue 1_000, a guess
   * @remarks Range 1–100_000
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
   * After which a partition stands still that has messages, comes to an outcome with none of them, waits for nothing that comes by
   * itself, and whose broker answers. The service is not live then, and says why: only a new process helps. Found within a quarter of it,
   * or within half of it where messages are there and reading gives none. Must exceed `maxHandlerMs` of each consumer, which is told
   * when the service starts.
   *
   * @defaultValue for each consumer its `maxHandlerMs` and 60_000 more, a guess: time to heed the signal
   * @remarks Range 1_000–604_800_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly stallAfterMs?: number
  /**
   * Largest message that is handled; a larger one becomes a dead letter, undecoded.
   *
   * @defaultValue 4_194_304, what gRPC takes
   * @remarks Range 1–1_073_741_824
   */
  readonly maxMessageBytes?: number
  /**
   * How far ahead a message may be held back by its header `tenon-not-before`, which a publisher's `delayMs` writes. One that is to
   * be held for longer is taken for broken and becomes a dead letter.
   *
   * @defaultValue 86_400_000, one day: a publisher can write no more
   * @remarks Range 0–31_536_000_000 ms
   */
  readonly maxDelayMs?: number
  /** How long the start waits to be given partitions; it goes on without them then. @defaultValue 10_000 @remarks Range 0–600_000 */
  readonly joinTimeoutMs?: number
  /**
   * What messages are written as and read from beside JSON: `[protobufFormat()]`. An event or a command is written in the format that it
   * declares, and read in whichever of these its header `content-type` names.
   *
   * @defaultValue none but JSON
   * @throws ConfigError `config.malformed` for what is no format, and for two of one name or content type
   */
  readonly formats?: readonly PayloadFormat[]
  /** Time, for tests. */
  readonly clock?: QueueClock
  /** A number from 0 to 1 that spreads retries, for tests. @defaultValue Math.random */
  readonly random?: () => number
}

export const queueDefaults = Object.freeze({
  name: 'queue',
  trust: 'topic',
  retry: retryDefaults,
  ...publishingDefaults,
  requestTimeoutMs: 10_000,
  commitIntervalMs: 200,
  concurrency: 16,
  maxUncommittedCount: 1_000,
  maxHandlerMs: 300_000,
  maxMessageBytes: 4_194_304,
  maxDelayMs: 86_400_000,
  joinTimeoutMs: 10_000,
})

export interface QueueSettings extends PublishingSettings {
  readonly name: string
  readonly trust: 'topic' | 'signed'
  readonly topics: TopicSelection
  readonly driver: QueueDriver
  readonly retry: Readonly<Required<RetryOptions>>
  /** What of it somebody wrote. */
  readonly givenRetry: RetryOptions
  readonly partitionCount: number | undefined
  readonly requestTimeoutMs: number
  readonly commitIntervalMs: number
  readonly concurrency: number
  readonly maxUncommittedCount: number
  readonly maxHandlerMs: number
  /** Undefined: each consumer has its own. */
  readonly stallAfterMs: number | undefined
  readonly maxMessageBytes: number
  readonly maxDelayMs: number
  readonly joinTimeoutMs: number
  readonly formats: PayloadFormats
  readonly clock: QueueClock
  readonly random: () => number
}

const check = optionCheck('queueTransport')

/** @throws ConfigError `config.out_of_range`, `config.malformed`; all problems at once. */
export function resolveQueue(options: QueueOptions): QueueSettings {
  if (!isRecord(options))
    throw new ConfigError([check.malformed(`the options must be an object with driver, found ${toFound(options)}`)])
  const givenRetry: RetryOptions = isRecord(options.retry) ? givenOnly(options.retry) : {}
  const settings: QueueSettings = Object.freeze({
    partitionCount: undefined,
    dataSchema: undefined,
    stallAfterMs: undefined,
    clock: systemClock,
    random: Math.random,
    ...queueDefaults,
    ...givenOnly(options),
    retry: resolveRetry(queueDefaults.retry, givenRetry),
    givenRetry,
    topics: new TopicSelection(Array.isArray(options.topics) ? options.topics : undefined),
    formats: new PayloadFormats(
      options.name ?? queueDefaults.name,
      Array.isArray(options.formats) ? options.formats : [],
    ),
  })
  const problems = [
    ...checkForm(options),
    ...checkRetry(options.retry, settings.retry, check),
    ...checkRanges(settings),
    ...checkPublishing(settings),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return settings
}

const names: Readonly<Record<keyof QueueOptions, true>> = {
  name: true,
  driver: true,
  topics: true,
  trust: true,
  retry: true,
  partitionCount: true,
  requestTimeoutMs: true,
  ...publishingNames,
  commitIntervalMs: true,
  concurrency: true,
  maxUncommittedCount: true,
  maxHandlerMs: true,
  stallAfterMs: true,
  maxMessageBytes: true,
  maxDelayMs: true,
  joinTimeoutMs: true,
  formats: true,
  clock: true,
  random: true,
}

function checkForm(options: QueueOptions & Readonly<Record<string, unknown>>): readonly SetupProblem[] {
  const { driver, topics, trust = queueDefaults.trust, formats } = options
  const found = driver === undefined ? 'nothing' : toFound(driver)
  const isDriver = isRecord(driver) || typeof driver === 'function'
  return [
    ...check.names(options, Object.keys(names)),
    ...(isDriver ? [] : [check.malformed(`driver must be a driver such as queueDriver({ brokers }), found ${found}`)]),
    ...checkName(options.name),
    ...check.choice('trust', trust, ['topic', 'signed']),
    ...checkSelectors(topics).map((text) => check.malformed(text)),
    ...checkFormats(formats, check),
  ]
}

function checkName(name: unknown): readonly SetupProblem[] {
  if (name === undefined || (typeof name === 'string' && /^[a-z][a-z0-9-]{0,62}$/.test(name))) return []
  return [check.malformed(`name must be a word of lower-case letters, digits and "-", found ${toFound(name)}`)]
}

/** The least and the largest of those that are whole numbers. */
const ranges = {
  partitionCount: { min: 1, max: 10_000 },
  requestTimeoutMs: { min: 1, max: 600_000 },
  commitIntervalMs: { min: 0, max: 60_000 },
  concurrency: deliveryRanges.concurrency,
  maxUncommittedCount: { min: 1, max: 100_000 },
  maxHandlerMs: deliveryRanges.maxHandlerMs,
  stallAfterMs: { min: 1_000, max: 604_800_000 },
  maxMessageBytes: { min: 1, max: 1_073_741_824 },
  maxDelayMs: { min: 0, max: 31_536_000_000 },
  joinTimeoutMs: { min: 0, max: 600_000 },
} as const satisfies Partial<Record<keyof QueueOptions, OptionRange>>

function checkRanges(settings: QueueSettings): readonly SetupProblem[] {
  return Object.entries(ranges).flatMap(([name, range]) => check.integer(name, Reflect.get(settings, name), range))
}
