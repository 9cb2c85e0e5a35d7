import { type Logger, nextTurn, ServiceError, toServiceError } from '@tenon/core/transport'
import { redriveGroupHeader } from '../dead-letter/dead-letter.ts'
import type { AssignedPartition, ReceivedRecord } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { RecordHeaders } from '../read/message-headers.ts'
import { isEnveloped, type ReadBounds, type ReadMessage, readMessage } from '../read/read-message.ts'
import type { BackOff } from './back-off.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'
import type { RetrySchedule } from './retry-schedule.ts'
import type { Slots } from './turn/slots.ts'
import { tellHeld } from './tell-outcome.ts'

export interface OpenerSurroundings {
  readonly partition: Pick<AssignedPartition, 'revoked'>
  readonly consumer: Pick<TopicConsumer, 'group' | 'handler'>
  readonly settings: Pick<QueueSettings, 'clock'>
  readonly log: Logger
  readonly slots: Slots
  readonly backOff: BackOff
  readonly bounds: ReadBounds
  /** Stores a message as a dead letter. Whether that was done before the partition was given up. */
  bury(record: ReceivedRecord, end: MessageEnd): Promise<boolean>
}

/** A message that has a place and was not read. */
export interface UnopenedMessage {
  readonly record: ReceivedRecord
  readonly attempt: number
  /** Undefined until it has failed. */
  readonly schedule: RetrySchedule | undefined
}

/** How a message came to its end. */
export interface MessageEnd {
  readonly error: ServiceError
  readonly attemptCount: number
  readonly schedule?: RetrySchedule | undefined
}

export const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })

/** Reads messages, and keeps those that may not be handled yet. */
export class MessageOpener {
  readonly #surroundings: OpenerSurroundings

  constructor(surroundings: OpenerSurroundings) {
    this.#surroundings = surroundings
  }

  /**
   * The message, with its place, at once for most. Else whether it came to its outcome, without a place: false when the partition is
   * given up before. Never rejects.
   */
  open(unopened: UnopenedMessage): ReadMessage | Promise<ReadMessage | boolean> {
    const { record } = unopened
    const headers = new RecordHeaders(record.headers)
    const isPlain = redrivenFor(headers) === undefined && !isEnveloped(headers)
    const read = isPlain ? this.#read(record, headers) : undefined
    if (read !== undefined && !ServiceError.is(read) && this.#isReady(read)) return read
    return this.#prepare(unopened, headers, read)
  }

  /** What few messages need before they can be handled. */
  async #prepare(
    unopened: UnopenedMessage,
    headers: RecordHeaders,
    read: ReadMessage | ServiceError | undefined,
  ): Promise<ReadMessage | boolean> {
    const { slots, consumer, bury } = this.#surroundings
    const { record, attempt, schedule } = unopened
    // Not at once, as the settler promises.
    await Promise.resolve()
    if ((redrivenFor(headers) ?? consumer.group) !== consumer.group) return this.#passOver(record)
    // An envelope takes as long to open as it is large: others get their turn between two of them, so the read comes right behind.
    if (read === undefined) for (let turn = nextTurn(); turn; turn = nextTurn()) await turn
    const message = read ?? this.#read(record, headers)
    const isUnread = ServiceError.is(message)
    if (!isUnread && this.#isReady(message)) return message
    slots.release()
    if (isUnread) return bury(record, { error: message, attemptCount: attempt - 1, schedule })
    const { notBeforeAt, expiresAt } = message
    return this.#hold(unopened, headers, { notBeforeAt, expiresAt })
  }

  /** Keeps nothing of what was read meanwhile: an envelope that was opened is several times as large, and may be held for a day. */
  async #hold(unopened: UnopenedMessage, headers: RecordHeaders, times: MessageTimes): Promise<ReadMessage | boolean> {
    const { slots, partition, settings, bury } = this.#surroundings
    const { record, attempt, schedule } = unopened
    if (await this.#due(record, times)) return true
    if (!partition.revoked.aborted && times.expiresAt <= settings.clock.now())
      return bury(record, { error: hasExpired, attemptCount: attempt - 1, schedule })
    return (await slots.take(partition.revoked)) && this.#prepare(unopened, headers, undefined)
  }

  /** Whether it may be handled now. */
  #isReady({ notBeforeAt, expiresAt }: MessageTimes): boolean {
    // Few messages have any times.
    if (notBeforeAt === 0 && expiresAt === Number.POSITIVE_INFINITY) return true
    const now = this.#surroundings.settings.clock.now()
    return notBeforeAt <= now && now < expiresAt
  }

  /** A message that was redriven for another group. Its header alone says so, and may be wrong. */
  #passOver({ offset }: ReceivedRecord): true {
    const { log, consumer, slots } = this.#surroundings
    slots.release()
    log.debug({ offset }, `${consumer.handler} passes a message over: it was redriven for another group`)
    return true
  }

  /** What the message says of itself, or why nobody can read it. */
  #read(record: ReceivedRecord, headers: RecordHeaders): ReadMessage | ServiceError {
    try {
      return readMessage(record, headers, this.#surroundings.bounds)
    } catch (thrown) {
      return toServiceError(thrown)
    }
  }

  /** Waits until the message may be handled, has no use any more, or the partition is given up. True when it was set aside instead. */
  #due(record: ReceivedRecord, { notBeforeAt, expiresAt }: MessageTimes): Promise<boolean> {
    const dueAt = Math.min(notBeforeAt, expiresAt)
    tellHeld(this.#surroundings, record, dueAt)
    return this.#surroundings.backOff.wait(record, { stage: 'held', untilAt: dueAt })
  }
}

type MessageTimes = Pick<ReadMessage, 'notBeforeAt' | 'expiresAt'>

/** The group that a message was redriven for. One without a name is none: nobody would ever handle the message. */
function redrivenFor(headers: RecordHeaders): string | undefined {
  return headers.text(redriveGroupHeader) || undefined
}
