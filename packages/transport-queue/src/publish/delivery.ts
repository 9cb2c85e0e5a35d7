import { drainingError, ServiceError } from '@tenon/core/transport'
import { byteCountOf } from '../driver/record-size.ts'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import { countSent } from '../telemetry/message-metrics.ts'
import type { KnownTopics, TopicTurn } from './known-topics.ts'
import type { OutageLog } from './outage-log.ts'
import { leftMs, type PublishBound, untilEnd } from './publish-bound.ts'
import { cancelledBy, deadlinePassed, interrupted, notChecked, notInTime, toPublishError } from './publish-error.ts'
import type { OpenMessage, PublishRoom } from './publish-room.ts'

export interface DeliverySurroundings {
  readonly driver: QueueDriver
  readonly topics: KnownTopics
  readonly room: PublishRoom
  readonly outages: OutageLog
}

/**
 * One message from `publish()` until its publisher is told what became of it. It is checked, then waits for its topic, then
 * belongs to the driver, which keeps the order and the bound from there on.
 */
export class Delivery implements OpenMessage, TopicTurn {
  readonly #bound: PublishBound
  readonly #surroundings: DeliverySurroundings
  readonly #outcome = Promise.withResolvers<void>()
  #record: RecordToSend | undefined
  #byteCount = 0
  #order = 0
  #step: 'waiting' | 'sending' | 'settled' = 'waiting'
  #stopWaiting: (() => void) | undefined
  #hasLostTopic = false

  constructor(bound: PublishBound, surroundings: DeliverySurroundings) {
    this.#bound = bound
    this.#surroundings = surroundings
  }

  get byteCount(): number {
    return this.#byteCount
  }

  get order(): number {
    return this.#order
  }

  /** Resolves when the broker has stored it. @throws ServiceError as `Publisher.publish` says */
  outcome(): Promise<void> {
    if (this.#step === 'waiting') this.#stopWaiting ??= this.#waitForEnd()
    return this.#outcome.promise
  }

  /** Takes it to its topic, unless it ended before. Called once. @throws ServiceError `resource_exhausted` */
  begin(record: RecordToSend): void {
    if (this.#step === 'settled') return
    const byteCount = byteCountOf(record)
    this.#surroundings.room.reserve(byteCount)
    this.#byteCount = byteCount
    this.#record = record
    this.#order = this.#surroundings.topics.nextOrder()
    const { signal } = this.#bound
    if (signal?.aborted) this.giveUp(cancelledBy(signal))
    else if (leftMs(this.#bound) <= 0) this.giveUp(this.#timeUp())
    else this.#surroundings.topics.enter(record.topic, this)
  }

  /** Its topic is there. */
  go(): void {
    if (this.#step === 'waiting' && this.#record) void this.#send(this.#record)
  }

  /** Its topic is not there and cannot be created. */
  fail(error: unknown): void {
    this.giveUp(this.#toError(error))
  }

  /** Nobody knows whether what is being sent is stored; what is not, never will be. */
  cut(): boolean {
    if (this.#step === 'settled') return false
    this.giveUp(this.#step === 'sending' ? interrupted(this.#described) : drainingError())
    return true
  }

  /** Ends it with an error, unless it has ended. */
  giveUp(error: ServiceError): void {
    if (this.#step === 'settled') return
    if (this.#record) this.#forget(this.#record, error)
    this.#step = 'settled'
    this.#stopWaiting?.()
    this.#outcome.reject(error)
  }

  #forget({ topic }: RecordToSend, { code }: ServiceError): void {
    const { driver, topics } = this.#surroundings
    if (this.#step === 'sending') countSent({ driver, topic }, code)
    topics.forget(topic, this)
  }

  /** As the log names it. */
  get #described() {
    const topic = this.#record?.topic ?? 'unknown'
    return { topic, byteCount: this.#byteCount, target: this.#surroundings.driver.target }
  }

  #waitForEnd(): () => void {
    return untilEnd(
      this.#bound,
      () => this.#timeUp(),
      (error) => this.giveUp(error),
    )
  }

  async #send(record: RecordToSend): Promise<void> {
    const { driver, outages } = this.#surroundings
    this.#step = 'sending'
    this.#stopWaiting?.()
    try {
      // What has begun to wait in time gets a moment to be tried.
      const timeoutMs = Math.max(1, leftMs(this.#bound))
      await driver.produce([record], { timeoutMs, signal: this.#bound.signal })
      outages.end(record.topic)
      this.#step = 'settled'
      countSent({ driver, topic: record.topic })
      this.#outcome.resolve()
    } catch (error) {
      if (this.#mayWaitForTopic(error)) return this.#waitForTopic(record.topic)
      const failure = toPublishError(error, this.#described)
      // Also when its publisher is told of its own deadline instead.
      if (failure.code === 'unavailable') outages.begin(record.topic, failure.cause)
      this.giveUp(this.#toError(error, failure))
    }
  }

  /** Once, when the topic was there before and was deleted. */
  #mayWaitForTopic(error: unknown): boolean {
    return ServiceError.is(error) && error.code === 'not_found' && this.#step === 'sending' && !this.#hasLostTopic
  }

  #waitForTopic(topic: string): void {
    this.#hasLostTopic = true
    this.#step = 'waiting'
    this.#stopWaiting = this.#waitForEnd()
    // Unless it ended at once.
    if (!this.#bound.signal?.aborted) this.#surroundings.topics.enterAgain(topic, this)
  }

  #toError(error: unknown, failure = toPublishError(error, this.#described)): ServiceError {
    const { signal, isDeadline } = this.#bound
    if (signal?.aborted) return cancelledBy(signal)
    if (isDeadline && leftMs(this.#bound) <= timerGrainMs) return deadlinePassed(error)
    return failure
  }

  #timeUp(): ServiceError {
    if (this.#bound.isDeadline) return deadlinePassed()
    return this.#record ? notInTime(this.#described) : notChecked()
  }
}

/** A timer may fire a little before its time by another clock. */
const timerGrainMs = 5
