import { processConvention } from '@tenon/core/telemetry'
import type { Outcome, ServiceError } from '@tenon/core/transport'
import { DeadLetterStore, type StoreSurroundings } from '../dead-letter/dead-letter-store.ts'
import { systemOf } from '../driver/broker-system.ts'
import type { ReceivedRecord } from '../queue-driver.ts'
import type { ReadMessage } from '../read/read-message.ts'
import { firstOf } from '../wait.ts'
import type { Batcher } from './batch/batcher.ts'
import { DroppedMessages } from './broadcast/dropped-messages.ts'
import type { TopicConsumer } from './plan/consumer-plan.ts'
import type { MessageStage } from './watch/consumer-report.ts'
import type { HandlerRun } from './watch/watched-loop.ts'
import { BackOff, type SettingAside } from './back-off.ts'
import type { Halt, HaltedMessages } from './halted-messages.ts'
import { type EndHistory, MessageBurial } from './message-burial.ts'
import { hasExpired, MessageOpener, type UnopenedMessage } from './message-opener.ts'
import { isOfEnding } from './plan/disposition.ts'
import { QueueCall, type QueueCallFacts } from './queue-call.ts'
import { endlessDelays, type RetryHistory, RetrySchedule, type ScheduleSettings } from './retry-schedule.ts'
import { tellHalt, tellOvertaken, tellRetry, tellSkip } from './tell-outcome.ts'
import { countRetry, countSkipped } from '../telemetry/message-metrics.ts'
import { RunningCalls } from './turn/running-calls.ts'
import type { Slots } from './turn/slots.ts'

export interface SettlerSurroundings extends Omit<StoreSurroundings, 'delays' | 'consumer'> {
  readonly consumer: TopicConsumer
  /** What the consumer may handle at a time, in all its partitions. A message that waits to be handled again holds none. */
  readonly slots: Slots
  /** Puts messages together, where the handler takes several at once. */
  readonly batcher?: Batcher | undefined
  /** Undefined where messages wait in memory only. */
  readonly aside?: SettingAside | undefined
  readonly halted: HaltedMessages
  /** Told that one more waits for an attempt. */
  waits?(): void
}

/** A message as it was taken. */
export interface TakenMessage {
  readonly record: ReceivedRecord
  /** How it failed before it was set aside. */
  readonly history?: RetryHistory | undefined
}

/** Sees messages of one partition to their outcome: handled, skipped, stored as a dead letter, or set aside. */
export class MessageSettler {
  readonly #surroundings: SettlerSurroundings
  readonly #burial: MessageBurial
  readonly #running: RunningCalls
  readonly #scheduling: ScheduleSettings
  readonly #opener: MessageOpener
  readonly #backOff: BackOff
  readonly #shared: Pick<QueueCallFacts, 'transport' | 'isTrusted' | 'system' | 'convention'>

  constructor(surroundings: SettlerSurroundings) {
    this.#surroundings = surroundings
    const { settings, consumer, partition, aside, slots, batcher, halted } = surroundings
    const { failures, retry } = consumer.settings
    const { maxMessageBytes, maxDelayMs, clock, driver } = settings
    const { name: transport, trust } = settings
    const { topic, group } = consumer
    const system = systemOf(driver)
    const isTrusted = trust === 'topic'
    this.#shared = { transport, isTrusted, system, convention: processConvention({ system, topic, group }) }
    const waits = () => surroundings.waits?.()
    const backOff = new BackOff({ clock, revoked: partition.revoked, aside, halted, waits })
    this.#backOff = backOff
    this.#running = new RunningCalls({ partition, slots, consumer, batcher, stages: backOff.stages })
    const bounds = { maxMessageBytes, maxDelayMs, clock, read: consumer.format.read }
    this.#scheduling = { clock: settings.clock, random: settings.random, failures, retry }
    const delays = () => endlessDelays({ retry, random: settings.random })
    const deadLetters =
      group === undefined
        ? new DroppedMessages(surroundings)
        : new DeadLetterStore({ ...surroundings, consumer: { ...consumer, group }, delays })
    const burial = new MessageBurial({ deadLetters, backOff, partition, clock })
    this.#burial = burial
    const bury = burial.bury.bind(burial)
    this.#opener = new MessageOpener({ ...surroundings, bounds, backOff, bury })
  }

  /**
   * Sees a message through that has a place, and gives the place back. Tells once, after it has returned, whether the message came to
   * its outcome: false when the partition is given up before, and the message comes again, uncounted. Tells nothing of what still
   * runs when the partition is lost.
   */
  settle({ record, history }: TakenMessage, settled: Handling['settled']): void {
    const { aside } = this.#surroundings
    if (aside?.parking.isFenced(record.key)) return void this.#follow(record, settled)
    const fresh = { record, attempt: 1, schedule: undefined, settled }
    if (history === undefined) return this.#begin(fresh)
    const { givenUp, halt } = history
    if (givenUp) return void this.#buryAnew(fresh, { ...history, givenUp })
    // Whether its batch failed is not known any more: alone it fails by its own fault only.
    const late = { isLate: true, isAlone: history.failureCount > 0 }
    if (halt) return void this.#beginAnew({ ...fresh, ...late, isAlone: true }, { ...history, halt })
    const schedule = new RetrySchedule(this.#scheduling, history)
    const handling = { record, attempt: history.failureCount + 1, schedule, settled, ...late }
    if (history.dueAt <= this.#surroundings.settings.clock.now()) this.#begin(handling)
    else void this.#beginAt(history.dueAt, handling)
  }

  /** Why messages have no outcome, by offset; nothing of those that run or wait for a place. */
  get stages(): ReadonlyMap<number, MessageStage> {
    return this.#backOff.stages
  }

  /** What keeps it from storing dead letters, in words; undefined while nothing does. */
  get hindrance(): string | undefined {
    return this.#burial.hindrance
  }

  /** Looks again whether messages that wait should be set aside. */
  reconsider(): void {
    this.#backOff.reconsider()
  }

  /** Lets messages go on that were released. */
  wake(): void {
    this.#backOff.wake()
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
    const outcome = await this.#backOff.during(record, stage, aside?.parking.follow(record) ?? notAside)
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

  /** Begins with a message that was halted before it was set aside, once it is released; at once when another assignment halted it. */
  async #beginAnew(handling: NewHandling, history: HaltHistory): Promise<void> {
    const { slots, partition } = this.#surroundings
    slots.release()
    await this.#backOff.wait(handling.record, haltStage(history.halt), history)
    if (await slots.take(partition.revoked)) this.#begin(handling)
    else handling.settled(false)
  }

  /** A message that was set aside because its dead letter was refused is not handled again. */
  async #buryAnew({ record, settled }: NewHandling, history: EndHistory): Promise<void> {
    this.#surroundings.slots.release()
    settled(await this.#burial.buryAnew(record, history))
  }

  /** Begins with a message that has a place. */
  #begin(handling: NewHandling): void {
    const opened = this.#opener.open(handling)
    if (!(opened instanceof Promise)) return this.#attempt({ ...handling, message: opened })
    void opened.then((message) => {
      if (typeof message === 'boolean') handling.settled(message)
      else this.#attempt({ ...handling, message })
    })
  }

  get #isRevoked(): boolean {
    return this.#surroundings.partition.revoked.aborted
  }

  /** Handles a message that has a place. */
  #attempt(handling: Handling): void {
    const { settings, consumer } = this.#surroundings
    const { record, message, attempt, isAlone = false, isLate = false } = handling
    const beganAt = settings.clock.now()
    const leftMs = message.expiresAt - beganAt
    if (leftMs <= 0 || this.#isRevoked) {
      this.#surroundings.slots.release()
      return void this.#leave(handling)
    }
    const timeoutMs = Math.min(leftMs, consumer.settings.maxHandlerMs)
    const timing = { attempt, timeoutMs, beganAt }
    const call = new QueueCall(record, { ...this.#shared, ...timing, message, isAlone, isLate })
    void this.#running.begin(call).then((outcome) => {
      if (!outcome.ok) void this.#failed(handling, call, outcome)
      else if (this.#running.end(call)) handling.settled(true)
    })
  }

  /** Ends a message whose turn came too late, and has no place any more. */
  async #leave({ record, attempt, schedule, settled }: Handling): Promise<void> {
    const end = { error: hasExpired, attemptCount: attempt - 1, schedule }
    settled(!this.#isRevoked && (await this.#burial.bury(record, end)))
  }

  async #failed(handling: Handling, call: QueueCall, { error, isOfBatch = false }: Failure): Promise<void> {
    if (error.code === 'deadline_exceeded' && !this.#surroundings.partition.lost.aborted) await this.#awaitQuiet(call)
    if (!this.#running.end(call)) return
    // It expired before its batch began: nobody has handled it.
    if (error === hasExpired) return this.#leave(handling)
    const schedule = (handling.schedule ??= new RetrySchedule(this.#scheduling))
    handling.isAlone ||= isOfBatch
    const isShared = isOfBatch && call.messageCount > 1
    const isDone = isShared
      ? await this.#afterShared(handling, error, schedule)
      : await this.#afterFailure(handling, error, schedule)
    if (isDone !== undefined) return handling.settled(isDone)
    handling.attempt += 1
    this.#attempt(handling)
  }

  /** Keeps a message whose attempts or age are used up where it is; what it gives is as of `afterFailure`. */
  async #halt(handling: Handling, error: ServiceError, schedule: RetrySchedule): Promise<boolean | undefined> {
    const { settings, partition, slots, halted } = this.#surroundings
    const { record, attempt } = handling
    if (this.#isRevoked) return false
    tellHalt(this.#surroundings, record, { error, attempt })
    const sinceAt = settings.clock.now()
    const halt = halted.add({ code: error.code, attemptCount: attempt, sinceAt })
    if (await this.#backOff.wait(record, haltStage(halt), { ...schedule.historyUntil(sinceAt), halt })) return true
    handling.attempt = 0
    handling.schedule = undefined
    return (await slots.take(partition.revoked)) ? undefined : false
  }

  /** Whether a message that failed has come to its outcome; undefined when it is its turn again, with a place. */
  async #afterFailure(handling: Handling, error: ServiceError, schedule: RetrySchedule): Promise<boolean | undefined> {
    const { consumer } = this.#surroundings
    const { record, attempt } = handling
    if (isOfEnding(error, this.#isRevoked)) return false
    const step = schedule.next(error)
    if (step.action === 'skip') return this.#skip(handling, error)
    const isHalted = step.action === 'exhausted' && consumer.settings.retry.onExhausted === 'halt-key'
    if (isHalted) return this.#halt(handling, error, schedule)
    if (step.action !== 'retry') return this.#burial.bury(record, { error, attemptCount: attempt, schedule })
    if (this.#isRevoked) return false
    tellRetry(this.#surroundings, record, { error, attempt, delayMs: step.delayMs })
    return this.#waitAgain(handling, { error, schedule, delayMs: step.delayMs })
  }

  #skip({ record, attempt }: Handling, error: ServiceError): true {
    countSkipped(this.#counted(record), error.code)
    return tellSkip(this.#surroundings, record, { error, attempt })
  }

  /** Where what it counts belongs. */
  #counted({ topic }: ReceivedRecord) {
    const { consumer, settings } = this.#surroundings
    return { driver: settings.driver, topic, group: consumer.group }
  }

  /** As `afterFailure`, when others failed with the message, and nobody knows which of them did: it does so alone, or not at all. */
  async #afterShared(handling: Handling, error: ServiceError, schedule: RetrySchedule): Promise<boolean | undefined> {
    if (isOfEnding(error, this.#isRevoked) || this.#isRevoked) return false
    return this.#waitAgain(handling, { error, schedule, delayMs: schedule.afterShared(error) })
  }

  /** Waits until a message may be handled again, and for a place; what it gives is as of `afterFailure`. */
  async #waitAgain({ record, attempt }: Handling, { error, schedule, delayMs }: Again): Promise<boolean | undefined> {
    const { settings, partition, slots } = this.#surroundings
    const untilAt = settings.clock.now() + delayMs
    countRetry(this.#counted(record), error.code)
    const stage = { stage: 'retried', attemptCount: attempt, code: error.code, untilAt } as const
    if (await this.#backOff.wait(record, stage, schedule.historyUntil(untilAt))) return true
    return (await slots.take(partition.revoked)) ? undefined : false
  }

  /** A handler may go on though its time is over; what comes next of its key must not overtake it. Not waited for for ever. */
  async #awaitQuiet(call: QueueCall): Promise<void> {
    const { partition, consumer, settings, log } = this.#surroundings
    const { maxHandlerMs } = consumer.settings
    const quiet = () => call.quiet.then(() => false)
    const late = (over: AbortSignal) => settings.clock.wait(maxHandlerMs, over).then(() => true)
    const isLate = await firstOf([quiet, late], partition.lost)
    if (!isLate || partition.lost.aborted) return
    this.#running.overtake(call)
    const messageCount = call.overtake()
    if (messageCount !== undefined) tellOvertaken({ log, consumer }, call, messageCount)
  }
}

/** A message on its way to its outcome, before it was read. */
interface NewHandling extends UnopenedMessage {
  readonly settled: (isDone: boolean) => void
  readonly isAlone?: boolean
  /** Whether it was set aside. */
  readonly isLate?: boolean
}

/** A message on its way to its outcome. */
interface Handling {
  readonly record: ReceivedRecord
  readonly message: ReadMessage
  attempt: number
  /** Undefined until it has failed. */
  schedule: RetrySchedule | undefined
  /** Whether it is handled with no others, as it has failed with its batch. */
  isAlone?: boolean
  readonly isLate?: boolean
  readonly settled: (isDone: boolean) => void
}

type Failure = Extract<Outcome, { readonly ok: false }>

/** How a message that failed goes on. */
interface Again {
  readonly error: ServiceError
  readonly schedule: RetrySchedule
  readonly delayMs: number
}

/** Of a message that was halted. */
interface HaltHistory extends RetryHistory {
  readonly halt: Halt
}

function haltStage({ attemptCount, code, sinceAt }: Halt) {
  return { stage: 'halted', attemptCount, code, sinceAt } as const
}

const notAside = Promise.resolve('free' as const)
