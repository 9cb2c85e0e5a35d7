import { nextTurn, ServiceError, toServiceError } from '@tenon/core/transport'
import { redriveGroupOf } from '../dead-letter/dead-letter.ts'
import { DeadLetterStore, type StoreSurroundings } from '../dead-letter/dead-letter-store.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import { isEnveloped, type ReadBounds, type ReadMessage, readMessage } from '../read/read-message.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'
import type { MessageStage } from './watch/consumer-report.ts'
import { isOfEnding } from './plan/disposition.ts'
import { QueueCall } from './queue-call.ts'
import { endlessDelays, RetrySchedule, type ScheduleSettings } from './retry-schedule.ts'
import type { Slots } from './slots.ts'
import { TakenPlace } from './taken-place.ts'
import { UntilLost } from './until-lost.ts'

export interface SettlerSurroundings extends Omit<StoreSurroundings, 'delays'> {
  readonly consumer: TopicConsumer
  /** What the consumer may handle at a time, in all its partitions. A message that waits to be handled again holds none. */
  readonly slots: Slots
}

/** Sees messages of one partition to their outcome: handled, skipped, or stored as a dead letter. */
export class MessageSettler {
  readonly #surroundings: SettlerSurroundings
  readonly #deadLetters: DeadLetterStore
  readonly #untilLost: UntilLost
  readonly #scheduling: ScheduleSettings
  readonly #bounds: ReadBounds
  /** Of messages that wait for something else than their handler, by offset. */
  readonly #stages = new Map<number, MessageStage>()

  constructor(surroundings: SettlerSurroundings) {
    this.#surroundings = surroundings
    const { settings, consumer, partition } = surroundings
    const { failures, retry } = consumer.settings
    this.#untilLost = new UntilLost(partition.lost)
    const { maxMessageBytes, maxDelayMs, clock } = settings
    this.#bounds = { maxMessageBytes, maxDelayMs, clock, read: consumer.format.read }
    this.#scheduling = { clock: settings.clock, random: settings.random, failures, retry }
    const delays = () => endlessDelays({ retry, random: settings.random })
    this.#deadLetters = new DeadLetterStore({ ...surroundings, delays })
  }

  /** False when the partition is given up before: the message comes again, uncounted. Never rejects. */
  settle(record: ReceivedRecord): Promise<boolean> {
    const { group } = this.#surroundings.consumer
    if ((redriveGroupOf(record) ?? group) !== group) return this.#passOver(record)
    return isEnveloped(record) ? this.#settleEnveloped(record) : this.#settleRead(record, this.#read(record))
  }

  /** An envelope takes as long to open as it is large: that takes a place, and others get their turn between two of them. */
  async #settleEnveloped(record: ReceivedRecord): Promise<boolean> {
    const { slots, partition, settings } = this.#surroundings
    if (!slots.takeNow() && !(await slots.take(partition.revoked))) return false
    const place = new TakenPlace(slots)
    try {
      await nextTurn()
      const message = this.#read(record)
      if (ServiceError.is(message) || !isDue(message, settings.clock.now())) place.release()
      return await this.#settleRead(record, message, place)
    } finally {
      place.release()
    }
  }

  #settleRead(record: ReceivedRecord, message: ReadMessage | ServiceError, place?: TakenPlace): Promise<boolean> {
    if (ServiceError.is(message)) return this.#bury(record, { error: message, attemptCount: 0 })
    return this.#handleUntilSettled(record, message, place)
  }

  /** Why a message has no outcome; undefined while it runs. */
  stageOf(offset: number): MessageStage | undefined {
    return this.#stages.get(offset)
  }

  /** Does work of a message, and says meanwhile what it is. */
  async #during<Result>(record: ReceivedRecord, stage: MessageStage, work: Promise<Result>): Promise<Result> {
    this.#stages.set(record.offset, stage)
    try {
      return await work
    } finally {
      this.#stages.delete(record.offset)
    }
  }

  /** A message that was redriven for another group. Its header alone says so, and may be wrong. */
  #passOver({ offset }: ReceivedRecord): Promise<boolean> {
    const { log, consumer } = this.#surroundings
    log.debug({ offset }, `${consumer.handler} passes a message over: it was redriven for another group`)
    return Promise.resolve(true)
  }

  get #isRevoked(): boolean {
    return this.#surroundings.partition.revoked.aborted
  }

  get #isLost(): boolean {
    return this.#surroundings.partition.lost.aborted
  }

  /** What the message says of itself, or why nobody can read it. */
  #read(record: ReceivedRecord): ReadMessage | ServiceError {
    try {
      return readMessage(record, this.#bounds)
    } catch (thrown) {
      return toServiceError(thrown)
    }
  }

  /** Waits until the message may be handled, or has no use any more. False when the partition is given up before. */
  async #due(record: ReceivedRecord, { notBeforeAt, expiresAt }: ReadMessage): Promise<boolean> {
    const { partition, settings } = this.#surroundings
    const dueAt = Math.min(notBeforeAt, expiresAt)
    this.#tellHeld(record, dueAt)
    // Clocks are set, and timers fire a little early.
    for (let now = settings.clock.now(); now < dueAt && !this.#isRevoked; now = settings.clock.now())
      await this.#during(
        record,
        { stage: 'held', untilAt: dueAt },
        settings.clock.wait(Math.min(dueAt - now, longestWaitMs), partition.revoked),
      )
    return !this.#isRevoked
  }

  #tellHeld({ offset }: ReceivedRecord, dueAt: number): void {
    const { log, settings } = this.#surroundings
    if (dueAt - settings.clock.now() <= longHoldMs) return
    const heldUntil = new Date(dueAt).toISOString()
    log.warn({ offset, heldUntil }, 'a message is held back for long; its key waits, and so may its partition')
  }

  async #handleUntilSettled(record: ReceivedRecord, message: ReadMessage, place?: TakenPlace): Promise<boolean> {
    const { settings, consumer, partition } = this.#surroundings
    const { maxHandlerMs } = consumer.settings
    let schedule: RetrySchedule | undefined
    // Few say so, and for the others there is nothing to wait for.
    if (message.notBeforeAt > 0 ? !(await this.#due(record, message)) : this.#isRevoked) return false
    for (let attempt = 1; ; attempt++) {
      const leftMs = message.expiresAt - settings.clock.now()
      if (leftMs <= 0) return this.#bury(record, { error: hasExpired, attemptCount: attempt - 1, schedule })
      const timeoutMs = Math.min(leftMs, maxHandlerMs)
      const handled = await this.#handle(
        new QueueCall(record, { transport: settings.name, attempt, message, timeoutMs }),
        place,
      )
      if (handled === 'done') return true
      if (handled === 'given_up' || this.#isLost || isOfEnding(handled, this.#isRevoked)) return false
      schedule ??= new RetrySchedule(this.#scheduling)
      const step = schedule.next(handled)
      if (step.action === 'skip') return this.#skip(record, { error: handled, attempt })
      if (step.action === 'dead_letter') return this.#bury(record, { error: handled, attemptCount: attempt, schedule })
      if (this.#isRevoked) return false
      this.#tellRetry(record, { error: handled, attempt, delayMs: step.delayMs })
      const untilAt = settings.clock.now() + step.delayMs
      const stage = { stage: 'retried', attemptCount: attempt, code: handled.code, untilAt } as const
      await this.#during(record, stage, settings.clock.wait(step.delayMs, partition.revoked))
      if (this.#isRevoked) return false
    }
  }

  /** What the message failed with, if it did. `given_up` when the partition is to be left before its turn came. */
  async #handle(call: QueueCall, place?: TakenPlace): Promise<'done' | 'given_up' | ServiceError> {
    const { partition, consumer, slots } = this.#surroundings
    const hasPlace = place?.takeOver() === true || slots.takeNow()
    if (!hasPlace && !(await slots.take(partition.revoked))) return 'given_up'
    try {
      const outcome = await this.#untilLost.wait(consumer.dispatch(call))
      if (outcome === undefined) {
        call.abandon()
        return 'given_up'
      }
      if (outcome.ok) return 'done'
      if (outcome.error.code === 'deadline_exceeded') await this.#awaitQuiet(call)
      return outcome.error
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
    const stage = { stage: 'buried', sinceAt: this.#surroundings.settings.clock.now() } as const
    const givenUp = { error, attemptCount, firstFailedAt: schedule?.firstFailedAt }
    return this.#during(record, stage, this.#deadLetters.bury(record, givenUp))
  }
}

function isDue({ notBeforeAt, expiresAt }: ReadMessage, now: number): boolean {
  return notBeforeAt <= now && now < expiresAt
}

interface Failure {
  readonly error: ServiceError
  readonly attempt: number
}

/** How a message came to its end. */
interface Ending {
  readonly error: ServiceError
  readonly attemptCount: number
  readonly schedule?: RetrySchedule | undefined
}

/** A message that is held for longer is worth a line of log: its partition goes on for so many others only. A guess. */
const longHoldMs = 3_600_000

/** A timer fires at once when its delay is longer. @see Node.js documentation, setTimeout */
const longestWaitMs = 2 ** 31 - 1

const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })
