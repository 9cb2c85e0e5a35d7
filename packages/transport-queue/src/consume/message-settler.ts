import { type Logger, ServiceError, toServiceError } from '@tenon/core/transport'
import type { AssignedPartition, ReceivedRecord, RecordToSend } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { unlessAborted } from '../wait.ts'
import type { TopicConsumer } from './consumer-plan.ts'
import { redriveGroupHeader, toDeadLetter, withoutValue } from '../dead-letter/dead-letter.ts'
import { expiresAt, QueueCall, toMetadata } from './queue-call.ts'
import { RetrySchedule } from './retry-schedule.ts'
import type { Slots } from './slots.ts'

export interface SettlerSurroundings {
  readonly partition: AssignedPartition
  readonly consumer: TopicConsumer
  readonly settings: QueueSettings
  readonly log: Logger
  /** What the consumer may handle at a time, in all its partitions. A message that waits to be handled again holds none. */
  readonly slots: Slots
}

/** Sees messages of one partition to their outcome: handled, or stored as a dead letter. */
export class MessageSettler {
  readonly #surroundings: SettlerSurroundings

  constructor(surroundings: SettlerSurroundings) {
    this.#surroundings = surroundings
  }

  /** False when the partition is given up before: the message comes again, uncounted. Never rejects. */
  async settle(record: ReceivedRecord): Promise<boolean> {
    const { settings, consumer } = this.#surroundings
    const schedule = new RetrySchedule(settings)
    const metadata = toMetadata(record.headers)
    if ((metadata[redriveGroupHeader] ?? consumer.group) !== consumer.group) return true
    const expiryAt = expiresAt(metadata) ?? Number.POSITIVE_INFINITY
    for (let attempt = 1; ; attempt++) {
      const leftMs = expiryAt - settings.clock.now()
      const refusal = leftMs <= 0 ? hasExpired : this.#tooLarge(record)
      if (refusal) return this.#bury(record, { error: refusal, attemptCount: attempt - 1, schedule })
      const timeoutMs = Math.min(leftMs, settings.maxHandlerMs)
      const handled = await this.#handle(new QueueCall(record, { attempt, metadata, timeoutMs }))
      if (handled === 'done') return true
      if (handled === 'given_up' || this.#isLost) return false
      const step = schedule.next(handled)
      if (step.action === 'dead_letter') return this.#bury(record, { error: handled, attemptCount: attempt, schedule })
      if (this.#isRevoked) return false
      this.#tellRetry(record, { error: handled, attempt, delayMs: step.delayMs })
      await settings.clock.wait(step.delayMs, this.#surroundings.partition.revoked)
      if (this.#isRevoked) return false
    }
  }

  get #isRevoked(): boolean {
    return this.#surroundings.partition.revoked.aborted
  }

  get #isLost(): boolean {
    return this.#surroundings.partition.lost.aborted
  }

  /** What the message failed with, if it did. `given_up` when the partition is to be left before its turn came. */
  async #handle(call: QueueCall): Promise<'done' | 'given_up' | ServiceError> {
    const { partition, consumer, slots } = this.#surroundings
    if (!(await slots.take(partition.revoked))) return 'given_up'
    try {
      const outcome = await unlessAborted(runToEnd(consumer, call), partition.lost)
      if (outcome !== undefined) {
        if (outcome.error?.code === 'deadline_exceeded') await this.#awaitQuiet(call)
        return outcome.error ?? 'done'
      }
      call.abandon()
      return 'given_up'
    } finally {
      slots.release()
    }
  }

  /** A handler may go on though its time is over; what comes next of its key must not overtake it. Not waited for for ever. */
  async #awaitQuiet(call: QueueCall): Promise<void> {
    const { partition, consumer, settings, log } = this.#surroundings
    const late = new AbortController()
    const stop = () => late.abort()
    partition.lost.addEventListener('abort', stop, { once: true })
    const wait = settings.clock.wait(settings.maxHandlerMs, late.signal).then(() => 'late' as const)
    const ended = await Promise.race([call.quiet, wait])
    partition.lost.removeEventListener('abort', stop)
    stop()
    if (ended !== 'late' || partition.lost.aborted) return
    log.error(
      { peer: call.peer },
      `${consumer.handler} goes on though its time is over; its key is not held up any longer`,
    )
  }

  #tellRetry({ offset }: ReceivedRecord, { error, attempt, delayMs }: Failure): void {
    const { log, consumer } = this.#surroundings
    const facts = { offset, code: error.code, attempt, delayMs: Math.round(delayMs), err: error }
    log.warn(facts, `${consumer.handler} failed; the message is handled again`)
  }

  /** What is told of a message that is not even decoded. */
  #tooLarge({ value }: ReceivedRecord): ServiceError | undefined {
    const { maxMessageBytes } = this.#surroundings.settings
    if (value === null || value.length <= maxMessageBytes) return undefined
    const message = `the message must be at most ${maxMessageBytes} bytes, found ${value.length}`
    return new ServiceError('invalid_argument', message, { reason: 'message_too_large' })
  }

  /** Stores a message as a dead letter, however often that takes. False when the partition is given up before. */
  async #bury(record: ReceivedRecord, { error, attemptCount, schedule }: GivenUp): Promise<boolean> {
    const { partition, consumer, log, settings } = this.#surroundings
    const { group, handler } = consumer
    const failedAt = settings.clock.now()
    const firstFailedAt = schedule.firstFailedAt ?? failedAt
    const letter = toDeadLetter(record, { error, group, handler, attemptCount, firstFailedAt, failedAt })
    const retry = { ...settings.retry, maxAgeMs: Number.POSITIVE_INFINITY }
    const storing = new RetrySchedule({ ...settings, retry })
    for (;;) {
      if (await this.#store(letter, record)) {
        const facts = { offset: record.offset, code: error.code, reason: error.reason, attemptCount, err: error }
        log.error(facts, `${handler} gave a message up; it is in ${letter.topic}`)
        return true
      }
      const step = storing.next(notStored)
      if (this.#isRevoked || step.action !== 'retry') return false
      await settings.clock.wait(step.delayMs, partition.revoked)
      if (this.#isRevoked) return false
    }
  }

  /** False when it was not stored, for now. What the broker will never take goes without its value, so that it blocks nothing. */
  async #store(letter: RecordToSend, { offset }: Pick<ReceivedRecord, 'offset'>): Promise<boolean> {
    const { partition, settings, log } = this.#surroundings
    const bound = { timeoutMs: settings.requestTimeoutMs, signal: partition.lost }
    try {
      await settings.driver.produce([letter], bound)
      return true
    } catch (cause) {
      log.error({ offset, err: cause }, `a message could not be stored in ${letter.topic}`)
      if (letter.value === null || !ServiceError.is(cause) || cause.code !== 'internal') return false
      return this.#store(withoutValue(letter), { offset })
    }
  }
}

/** How a message was given up. */
interface GivenUp {
  readonly error: ServiceError
  readonly attemptCount: number
  readonly schedule: RetrySchedule
}

interface Failure {
  readonly error: ServiceError
  readonly attempt: number
  readonly delayMs: number
}

const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })
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
