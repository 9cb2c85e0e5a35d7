import { ServiceError, toServiceError } from '@tenon/core/transport'
import { redriveGroupOf } from '../dead-letter/dead-letter.ts'
import { DeadLetterStore, type StoreSurroundings } from '../dead-letter/dead-letter-store.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import { type ReadMessage, readMessage } from '../read/read-message.ts'
import { unlessAborted } from '../wait.ts'
import type { TopicConsumer } from './consumer-plan.ts'
import { QueueCall } from './queue-call.ts'
import { endlessDelays, RetrySchedule } from './retry-schedule.ts'
import type { Slots } from './slots.ts'

export interface SettlerSurroundings extends Omit<StoreSurroundings, 'delays'> {
  readonly consumer: TopicConsumer
  /** What the consumer may handle at a time, in all its partitions. A message that waits to be handled again holds none. */
  readonly slots: Slots
}

/** Sees messages of one partition to their outcome: handled, skipped, or stored as a dead letter. */
export class MessageSettler {
  readonly #surroundings: SettlerSurroundings
  readonly #deadLetters: DeadLetterStore

  constructor(surroundings: SettlerSurroundings) {
    this.#surroundings = surroundings
    const { settings, consumer } = surroundings
    const delays = () => endlessDelays({ retry: consumer.settings.retry, random: settings.random })
    this.#deadLetters = new DeadLetterStore({ ...surroundings, delays })
  }

  /** False when the partition is given up before: the message comes again, uncounted. Never rejects. */
  async settle(record: ReceivedRecord): Promise<boolean> {
    const { group } = this.#surroundings.consumer
    if ((redriveGroupOf(record) ?? group) !== group) return true
    const message = this.#read(record)
    if (ServiceError.is(message)) return this.#bury(record, { error: message, attemptCount: 0 })
    if (!(await this.#due(message))) return false
    return this.#handleUntilSettled(record, message)
  }

  get #isRevoked(): boolean {
    return this.#surroundings.partition.revoked.aborted
  }

  get #isLost(): boolean {
    return this.#surroundings.partition.lost.aborted
  }

  /** What the message says of itself, or why nobody can read it. */
  #read(record: ReceivedRecord): ReadMessage | ServiceError {
    const { settings, consumer } = this.#surroundings
    const { maxMessageBytes, maxDelayMs, clock } = settings
    const read = (bytes: Uint8Array, contentType: string | undefined) => consumer.format.read(bytes, contentType)
    try {
      return readMessage(record, { maxMessageBytes, maxDelayMs, now: clock.now(), read })
    } catch (thrown) {
      return toServiceError(thrown)
    }
  }

  /** Waits until the message may be handled, or has no use any more. False when the partition is given up before. */
  async #due({ notBeforeAt, expiresAt }: ReadMessage): Promise<boolean> {
    const { partition, settings } = this.#surroundings
    const dueAt = Math.min(notBeforeAt, expiresAt)
    // Clocks are set, and timers fire a little early.
    for (let now = settings.clock.now(); now < dueAt && !this.#isRevoked; now = settings.clock.now())
      await settings.clock.wait(Math.min(dueAt - now, longestWaitMs), partition.revoked)
    return !this.#isRevoked
  }

  async #handleUntilSettled(record: ReceivedRecord, message: ReadMessage): Promise<boolean> {
    const { settings, consumer, partition } = this.#surroundings
    const { failures, retry, maxHandlerMs } = consumer.settings
    const schedule = new RetrySchedule({ ...settings, failures, retry })
    for (let attempt = 1; ; attempt++) {
      const leftMs = message.expiresAt - settings.clock.now()
      if (leftMs <= 0) return this.#bury(record, { error: hasExpired, attemptCount: attempt - 1, schedule })
      const timeoutMs = Math.min(leftMs, maxHandlerMs)
      const handled = await this.#handle(
        new QueueCall(record, { transport: settings.name, attempt, message, timeoutMs }),
      )
      if (handled === 'done') return true
      if (handled === 'given_up' || this.#isLost) return false
      const step = schedule.next(handled)
      if (step.action === 'skip') return this.#skip(record, { error: handled, attempt })
      if (step.action === 'dead_letter') return this.#bury(record, { error: handled, attemptCount: attempt, schedule })
      if (this.#isRevoked) return false
      this.#tellRetry(record, { error: handled, attempt, delayMs: step.delayMs })
      await settings.clock.wait(step.delayMs, partition.revoked)
      if (this.#isRevoked) return false
    }
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
    const wait = settings.clock.wait(consumer.settings.maxHandlerMs, late.signal).then(() => 'late' as const)
    const ended = await Promise.race([call.quiet, wait])
    partition.lost.removeEventListener('abort', stop)
    stop()
    if (ended !== 'late' || partition.lost.aborted) return
    log.error(
      { peer: call.peer },
      `${consumer.handler} goes on though its time is over; its key is not held up any longer`,
    )
  }

  #tellRetry({ offset }: ReceivedRecord, { error, attempt, delayMs }: Failure & { readonly delayMs: number }): void {
    const { log, consumer } = this.#surroundings
    const facts = { offset, code: error.code, attempt, delayMs: Math.round(delayMs), err: error }
    log.warn(facts, `${consumer.handler} failed; the message is handled again`)
  }

  #skip({ offset }: ReceivedRecord, { error, attempt }: Failure): true {
    const { log, consumer } = this.#surroundings
    const facts = { offset, code: error.code, reason: error.reason, attempt, err: error }
    log.warn(facts, `${consumer.handler} failed; the message is skipped, as its consumer says of ${error.code}`)
    return true
  }

  #bury(record: ReceivedRecord, { error, attemptCount, schedule }: Ending): Promise<boolean> {
    return this.#deadLetters.bury(record, { error, attemptCount, firstFailedAt: schedule?.firstFailedAt })
  }
}

interface Failure {
  readonly error: ServiceError
  readonly attempt: number
}

/** How a message came to its end. */
interface Ending {
  readonly error: ServiceError
  readonly attemptCount: number
  readonly schedule?: RetrySchedule
}

/** A timer fires at once when its delay is longer. @see Node.js documentation, setTimeout */
const longestWaitMs = 2 ** 31 - 1

const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })

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
