import { type Arrival, type Logger, type Outcome, ServiceError, toServiceError } from '@tenon/core/transport'
import { CommitProgress } from './commit-progress.ts'
import { toDeadLetter } from './dead-letter.ts'
import { expiresAt, QueueCall, toMetadata } from './queue-call.ts'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { RetrySchedule } from './retry-schedule.ts'
import { unlessAborted } from '../wait.ts'

/** The one handler of a topic in a group. */
export interface TopicConsumer {
  readonly topic: string
  readonly group: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  /** Never rejects. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

export interface LoopSurroundings {
  readonly settings: QueueSettings
  readonly log: Logger
}

/**
 * Handles the messages of a partition one after another until it is given up, and commits only what has its outcome: handled,
 * or stored as a dead letter. A message that fails is handled again in its place; no message ends the loop.
 */
export function consumePartition(
  partition: AssignedPartition,
  consumer: TopicConsumer,
  surroundings: LoopSurroundings,
): Promise<void> {
  return new PartitionLoop(partition, consumer, surroundings).run()
}

class PartitionLoop {
  readonly #partition: AssignedPartition
  readonly #consumer: TopicConsumer
  readonly #settings: QueueSettings
  readonly #log: Logger
  readonly #progress: CommitProgress

  constructor(partition: AssignedPartition, consumer: TopicConsumer, { settings, log }: LoopSurroundings) {
    this.#partition = partition
    this.#consumer = consumer
    this.#settings = settings
    this.#log = log.child({ topic: partition.topic, partition: partition.partition, group: consumer.group })
    this.#progress = new CommitProgress(partition, {
      intervalMs: settings.commitIntervalMs,
      failed: (error) => this.#log.warn({ err: error }, 'a commit failed; the next one covers it'),
    })
  }

  async run(): Promise<void> {
    while (!this.#isRevoked) await this.#handleAll(await this.#partition.fetch())
    await this.#progress.flush()
  }

  get #isRevoked(): boolean {
    return this.#partition.revoked.aborted
  }

  /** Stops early when the partition is given up. */
  async #handleAll(records: readonly ReceivedRecord[]): Promise<void> {
    for (const record of records) {
      if (this.#isRevoked || !(await this.#settle(record))) return
      await this.#progress.advance(record.offset + 1)
    }
  }

  /** Sees a message to its outcome. False when the partition is given up before: the message comes again, uncounted. */
  async #settle(record: ReceivedRecord): Promise<boolean> {
    const schedule = new RetrySchedule(this.#settings)
    const metadata = toMetadata(record.headers)
    const expiryAt = expiresAt(metadata) ?? Number.POSITIVE_INFINITY
    for (let attempt = 1; ; attempt++) {
      const timeoutMs = expiryAt - this.#settings.clock.now()
      if (timeoutMs <= 0) return this.#bury(record, hasExpired, attempt - 1)
      const error = await this.#handle(new QueueCall(record, { attempt, metadata, timeoutMs }))
      if (error === undefined) return true
      if (this.#partition.lost.aborted) return false
      const step = schedule.next(error)
      if (step.action === 'dead_letter') return this.#bury(record, error, attempt)
      if (this.#isRevoked) return false
      this.#log.warn(
        { offset: record.offset, code: error.code, attempt, delayMs: Math.round(step.delayMs), err: error },
        `${this.#consumer.handler} failed; the message is handled again`,
      )
      await this.#settings.clock.wait(step.delayMs, this.#partition.revoked)
      if (this.#isRevoked) return false
    }
  }

  /** What the message failed with, or undefined. */
  async #handle(call: QueueCall): Promise<ServiceError | undefined> {
    const outcome = await unlessAborted(runToEnd(this.#consumer, call), this.#partition.lost)
    if (outcome !== undefined) return outcome.error
    call.abandon()
    return new ServiceError('cancelled', 'the partition was lost')
  }

  /** Stores a message as a dead letter, however often that takes. False when the partition is given up before. */
  async #bury(record: ReceivedRecord, error: ServiceError, attemptCount: number): Promise<boolean> {
    const { clock, driver, requestTimeoutMs: timeoutMs } = this.#settings
    const { group, handler } = this.#consumer
    const letter = toDeadLetter(record, { error, group, handler, attemptCount, failedAt: clock.now() })
    const schedule = new RetrySchedule({ ...this.#settings, retry: { ...this.#settings.retry, ...untilStored } })
    for (;;) {
      try {
        await driver.produce([letter], { timeoutMs, signal: this.#partition.lost })
        const facts = { offset: record.offset, code: error.code, reason: error.reason, attemptCount, err: error }
        this.#log.error(facts, `${handler} gave a message up; it is in ${letter.topic}`)
        return true
      } catch (cause) {
        this.#log.error({ offset: record.offset, err: cause }, `a message could not be stored in ${letter.topic}`)
      }
      const step = schedule.next(notStored)
      if (this.#isRevoked || step.action !== 'retry') return false
      await clock.wait(step.delayMs, this.#partition.revoked)
      if (this.#isRevoked) return false
    }
  }
}

const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })
const untilStored = { maxAgeMs: Number.POSITIVE_INFINITY }
const notStored = new ServiceError('unavailable', 'the dead letter was not stored')

/** Dispatches a message; a streaming operation's items are dropped as any output is. */
async function runToEnd({ dispatch }: TopicConsumer, call: QueueCall): Promise<{ readonly error?: ServiceError }> {
  try {
    const outcome = await dispatch(call)
    if (!outcome.ok) return { error: outcome.error }
    if (isStream(outcome.value)) for await (const _item of outcome.value);
    return {}
  } catch (thrown) {
    return { error: toServiceError(thrown) }
  }
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
