import { nextTurn, ServiceError, toServiceError } from '@tenon/core/transport'
import { redriveGroupHeader } from '../dead-letter/dead-letter.ts'
import { DeadLetterStore, type StoreSurroundings } from '../dead-letter/dead-letter-store.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import { RecordHeaders } from '../read/message-headers.ts'
import { isEnveloped, type ReadBounds, type ReadMessage, readMessage } from '../read/read-message.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'
import type { MessageStage } from './watch/consumer-report.ts'
import type { HandlerRun } from './watch/watched-loop.ts'
import { BackOff, type SettingAside } from './back-off.ts'
import { isOfEnding } from './plan/disposition.ts'
import { QueueCall } from './queue-call.ts'
import { endlessDelays, type RetryHistory, RetrySchedule, type ScheduleSettings } from './retry-schedule.ts'
import { tellHeld, tellRetry, tellSkip } from './tell-outcome.ts'
import { RunningCalls } from './running-calls.ts'
import type { Slots } from './slots.ts'

export interface SettlerSurroundings extends Omit<StoreSurroundings, 'delays'> {
  readonly consumer: TopicConsumer
  /** What the consumer may handle at a time, in all its partitions. A message that waits to be handled again holds none. */
  readonly slots: Slots
  /** Undefined where messages wait in memory only. */
  readonly aside?: SettingAside | undefined
}

/** A message as it was taken. */
export interface TakenMessage {
  readonly record: ReceivedRecord
  /** How it failed before it was set aside. */
  readonly history?: RetryHistory | undefined
}

/** Sees messages of one partition to their outcome: handled, skipped, or stored as a dead letter. */
export class MessageSettler {
  readonly #surroundings: SettlerSurroundings
  readonly #deadLetters: DeadLetterStore
  readonly #running: RunningCalls
  readonly #scheduling: ScheduleSettings
  readonly #bounds: ReadBounds
  readonly #backOff: BackOff

  constructor(surroundings: SettlerSurroundings) {
    this.#surroundings = surroundings
    const { settings, consumer, partition, aside } = surroundings
    const { failures, retry } = consumer.settings
    this.#running = new RunningCalls(partition, surroundings.slots)
    const { maxMessageBytes, maxDelayMs, clock } = settings
    this.#backOff = new BackOff({ clock, revoked: partition.revoked, aside })
    this.#bounds = { maxMessageBytes, maxDelayMs, clock, read: consumer.format.read }
    this.#scheduling = { clock: settings.clock, random: settings.random, failures, retry }
    const delays = () => endlessDelays({ retry, random: settings.random })
    this.#deadLetters = new DeadLetterStore({ ...surroundings, delays })
  }

  /**
   * Sees a message through that has a place, and gives the place back. Tells once, after it has returned, whether the message came to
   * its outcome: false when the partition is given up before, and the message comes again, uncounted. Tells nothing of what still
   * runs when the partition is lost.
   */
  settle({ record, history }: TakenMessage, settled: Handling['settled']): void {
    const { aside } = this.#surroundings
    if (aside?.retry.isFenced(record.key)) return void this.#follow(record, settled)
    if (history === undefined) return this.#begin({ record, attempt: 1, schedule: undefined, settled })
    const schedule = new RetrySchedule(this.#scheduling, history)
    const handling = { record, attempt: history.failureCount + 1, schedule, settled }
    if (history.dueAt <= this.#surroundings.settings.clock.now()) this.#begin(handling)
    else void this.#beginAt(history.dueAt, handling)
  }

  /** Why messages have no outcome, by offset; nothing of those that run or wait for a place. */
  get stages(): ReadonlyMap<number, MessageStage> {
    return this.#backOff.stages
  }

  /** Looks again whether messages that wait should be set aside. */
  reconsider(): void {
    this.#backOff.reconsider()
  }

  /** Handlers that have not ended, also those that were overtaken. */
  get runs(): readonly HandlerRun[] {
    return this.#running.all
  }

  /** A message of a key with others that were set aside goes behind them. */
  async #follow(record: ReceivedRecord, settled: Handling['settled']): Promise<void> {
    const { aside, slots, partition, settings } = this.#surroundings
    slots.release()
    const stage = { stage: 'parked', sinceAt: settings.clock.now() } as const
    const outcome = await this.#backOff.during(record, stage, aside?.retry.follow(record) ?? notAside)
    if (outcome !== 'free') return settled(outcome === 'parked')
    if (await slots.take(partition.revoked)) this.settle({ record }, settled)
    else settled(false)
  }

  /** Waits with a message that failed before it was set aside. */
  async #beginAt(dueAt: number, handling: NewHandling): Promise<void> {
    const { slots, partition } = this.#surroundings
    slots.release()
    await this.#backOff.wait(handling.record, { stage: 'held', untilAt: dueAt })
    if (await slots.take(partition.revoked)) this.#begin(handling)
    else handling.settled(false)
  }

  /** Begins with a message that has a place. */
  #begin(handling: NewHandling): void {
    const { record } = handling
    const headers = new RecordHeaders(record.headers)
    const isPlain = redrivenFor(headers) === undefined && !isEnveloped(headers)
    const read = isPlain ? this.#read(record, headers) : undefined
    if (read !== undefined && !ServiceError.is(read) && this.#isReady(read))
      return this.#attempt({ ...handling, message: read })
    void this.#prepare(handling, headers, read).then((prepared) => {
      if (typeof prepared === 'boolean') handling.settled(prepared)
      else this.#attempt({ ...handling, message: prepared })
    })
  }

  /** What few messages need before they can be handled. The message, with a place; else whether it came to its outcome. */
  async #prepare(
    handling: NewHandling,
    headers: RecordHeaders,
    read: ReadMessage | ServiceError | undefined,
  ): Promise<ReadMessage | boolean> {
    const { slots, consumer } = this.#surroundings
    const { record, attempt, schedule } = handling
    // Not at once, as `settle` promises.
    await Promise.resolve()
    if ((redrivenFor(headers) ?? consumer.group) !== consumer.group) return this.#passOver(record)
    // An envelope takes as long to open as it is large: others get their turn between two of them, so the read comes right behind.
    if (read === undefined) for (let turn = nextTurn(); turn; turn = nextTurn()) await turn
    const message = read ?? this.#read(record, headers)
    const isUnread = ServiceError.is(message)
    if (!isUnread && this.#isReady(message)) return message
    slots.release()
    if (isUnread) return this.#bury(record, { error: message, attemptCount: attempt - 1, schedule })
    const { notBeforeAt, expiresAt } = message
    return this.#hold(handling, headers, { notBeforeAt, expiresAt })
  }

  /** Keeps nothing of what was read meanwhile: an envelope that was opened is several times as large, and may be held for a day. */
  async #hold(handling: NewHandling, headers: RecordHeaders, times: MessageTimes): Promise<ReadMessage | boolean> {
    const { slots, partition, settings } = this.#surroundings
    const { record, attempt, schedule } = handling
    if (await this.#due(record, times)) return true
    if (!this.#isRevoked && times.expiresAt <= settings.clock.now())
      return this.#bury(record, { error: hasExpired, attemptCount: attempt - 1, schedule })
    return (await slots.take(partition.revoked)) && this.#prepare(handling, headers, undefined)
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

  get #isRevoked(): boolean {
    return this.#surroundings.partition.revoked.aborted
  }

  /** What the message says of itself, or why nobody can read it. */
  #read(record: ReceivedRecord, headers: RecordHeaders): ReadMessage | ServiceError {
    try {
      return readMessage(record, headers, this.#bounds)
    } catch (thrown) {
      return toServiceError(thrown)
    }
  }

  /** Waits until the message may be handled, has no use any more, or the partition is given up. True when it was set aside instead. */
  #due(record: ReceivedRecord, { notBeforeAt, expiresAt }: MessageTimes): Promise<boolean> {
    const dueAt = Math.min(notBeforeAt, expiresAt)
    tellHeld(this.#surroundings, record, dueAt)
    return this.#backOff.wait(record, { stage: 'held', untilAt: dueAt })
  }

  /** Handles a message that has a place. */
  #attempt(handling: Handling): void {
    const { settings, consumer } = this.#surroundings
    const { record, message, attempt } = handling
    const beganAt = settings.clock.now()
    const leftMs = message.expiresAt - beganAt
    if (leftMs <= 0 || this.#isRevoked) return void this.#leave(handling).then(handling.settled)
    const timeoutMs = Math.min(leftMs, consumer.settings.maxHandlerMs)
    const call = new QueueCall(record, { transport: settings.name, attempt, message, timeoutMs, beganAt })
    this.#running.begin(call)
    void consumer.dispatch(call).then((outcome) => {
      if (!outcome.ok) void this.#failed(handling, call, outcome.error)
      else if (this.#running.end(call)) handling.settled(true)
    })
  }

  /** Ends a message whose turn came too late, and gives its place back. */
  async #leave({ record, attempt, schedule }: Handling): Promise<boolean> {
    this.#surroundings.slots.release()
    return !this.#isRevoked && this.#bury(record, { error: hasExpired, attemptCount: attempt - 1, schedule })
  }

  async #failed(handling: Handling, call: QueueCall, error: ServiceError): Promise<void> {
    if (error.code === 'deadline_exceeded' && !this.#surroundings.partition.lost.aborted) await this.#awaitQuiet(call)
    if (!this.#running.end(call)) return
    const schedule = (handling.schedule ??= new RetrySchedule(this.#scheduling))
    const isDone = await this.#afterFailure(handling, error, schedule)
    if (isDone !== undefined) return handling.settled(isDone)
    handling.attempt += 1
    this.#attempt(handling)
  }

  /** Whether a message that failed has come to its outcome; undefined when it is its turn again, with a place. */
  async #afterFailure(
    { record, attempt }: Handling,
    error: ServiceError,
    schedule: RetrySchedule,
  ): Promise<boolean | undefined> {
    const { settings, partition, slots } = this.#surroundings
    if (isOfEnding(error, this.#isRevoked)) return false
    const step = schedule.next(error)
    if (step.action === 'skip') return tellSkip(this.#surroundings, record, { error, attempt })
    if (step.action === 'dead_letter') return this.#bury(record, { error, attemptCount: attempt, schedule })
    if (this.#isRevoked) return false
    tellRetry(this.#surroundings, record, { error, attempt, delayMs: step.delayMs })
    const untilAt = settings.clock.now() + step.delayMs
    const stage = { stage: 'retried', attemptCount: attempt, code: error.code, untilAt } as const
    if (await this.#backOff.wait(record, stage, schedule.historyUntil(untilAt))) return true
    return (await slots.take(partition.revoked)) ? undefined : false
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
    this.#running.overtake(call)
    log.error(
      { peer: call.peer },
      `${consumer.handler} goes on though its time is over; its key is not held up any longer`,
    )
  }

  #bury(record: ReceivedRecord, { error, attemptCount, schedule }: Ending): Promise<boolean> {
    const stage = { stage: 'buried', sinceAt: this.#surroundings.settings.clock.now() } as const
    const givenUp = { error, attemptCount, firstFailedAt: schedule?.firstFailedAt }
    return this.#backOff.during(record, stage, this.#deadLetters.bury(record, givenUp))
  }
}

type MessageTimes = Pick<ReadMessage, 'notBeforeAt' | 'expiresAt'>

/** A message on its way to its outcome, before it was read. */
interface NewHandling {
  readonly record: ReceivedRecord
  readonly attempt: number
  readonly schedule: RetrySchedule | undefined
  readonly settled: (isDone: boolean) => void
}

/** A message on its way to its outcome. */
interface Handling {
  readonly record: ReceivedRecord
  readonly message: ReadMessage
  attempt: number
  /** Undefined until it has failed. */
  schedule: RetrySchedule | undefined
  readonly settled: (isDone: boolean) => void
}

/** How a message came to its end. */
interface Ending {
  readonly error: ServiceError
  readonly attemptCount: number
  readonly schedule?: RetrySchedule | undefined
}

/** The group that a message was redriven for. One without a name is none: nobody would ever handle the message. */
function redrivenFor(headers: RecordHeaders): string | undefined {
  return headers.text(redriveGroupHeader) || undefined
}

const hasExpired = new ServiceError('deadline_exceeded', 'the message has expired', { reason: 'expired' })

const notAside = Promise.resolve('free' as const)
