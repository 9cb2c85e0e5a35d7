import { drainingError, type ServiceError } from '@tenon/core/transport'
import type { QueueDriver, RecordToSend } from '../queue-driver.ts'
import type { KnownTopics, TopicTurn } from './known-topics.ts'
import { leftMs, type PublishBound, untilEnd } from './publish-bound.ts'
import { cancelledBy, deadlinePassed, notInTime, toPublishError } from './publish-error.ts'
import type { PublishRoom, Turn } from './publish-room.ts'

export interface DeliveryWay {
  readonly driver: QueueDriver
  readonly topics: KnownTopics
  readonly room: PublishRoom
}

/** One message on its way to the broker. */
export class Delivery implements Turn, TopicTurn {
  readonly byteCount: number
  readonly #record: RecordToSend
  readonly #bound: PublishBound
  readonly #way: DeliveryWay
  readonly #done = Promise.withResolvers<void>()
  #step: 'topic' | 'room' | 'sending' | 'settled' = 'topic'
  #stopWaiting: (() => void) | undefined

  constructor(record: RecordToSend, bound: PublishBound, way: DeliveryWay) {
    this.byteCount = byteCountOf(record)
    this.#record = record
    this.#bound = bound
    this.#way = way
  }

  /** Called once. Resolves when the broker has stored it. @throws ServiceError */
  async run(): Promise<void> {
    const { signal } = this.#bound
    if (signal?.aborted) throw cancelledBy(signal)
    if (leftMs(this.#bound) <= 0) throw this.#timeUp()
    const { room, topics } = this.#way
    room.reserve(this.byteCount)
    topics.enter(this.#record.topic, this)
    if (this.#step !== 'sending') this.#wait()
    try {
      await this.#done.promise
    } finally {
      room.release(this.byteCount)
    }
  }

  /** The next thing that it waited for is there. */
  go(): void {
    if (this.#step === 'topic') {
      this.#step = 'room'
      this.#way.room.enter(this)
    } else void this.#send()
  }

  fail(error: unknown): void {
    this.#giveUp(toPublishError(error, this.#facts))
  }

  /** Gives it up, for the publisher closes. */
  cut(): void {
    this.#giveUp(drainingError())
  }

  get #facts() {
    return { topic: this.#record.topic, byteCount: this.byteCount, target: this.#way.driver.target }
  }

  /** Until its turn comes; then the driver keeps the bounds. */
  #wait(): void {
    this.#stopWaiting = untilEnd(
      this.#bound,
      () => this.#timeUp(),
      (error) => this.#giveUp(error),
    )
  }

  async #send(): Promise<void> {
    const { driver, room } = this.#way
    this.#step = 'sending'
    this.#stopWaiting?.()
    try {
      // What has begun to wait in time gets a moment to be tried.
      const timeoutMs = Math.max(1, leftMs(this.#bound))
      await driver.produce([this.#record], { timeoutMs, signal: this.#bound.signal })
      this.#done.resolve()
    } catch (error) {
      this.#done.reject(this.#toError(error))
    } finally {
      room.leave(this.byteCount)
    }
  }

  #toError(error: unknown): ServiceError {
    const { signal, isDeadline } = this.#bound
    if (signal?.aborted) return cancelledBy(signal)
    if (isDeadline && leftMs(this.#bound) <= timerGrainMs) return deadlinePassed(error)
    return toPublishError(error, this.#facts)
  }

  #timeUp(): ServiceError {
    return this.#bound.isDeadline ? deadlinePassed() : notInTime(this.#facts)
  }

  /** Ends the wait of the publisher. What is being sent keeps its room until the driver is done with it. */
  #giveUp(error: ServiceError): void {
    const { topics, room } = this.#way
    if (this.#step === 'topic') topics.forget(this.#record.topic, this)
    if (this.#step === 'room') room.forget(this)
    this.#step = 'settled'
    this.#stopWaiting?.()
    this.#done.reject(error)
  }
}

/** A timer may fire a little before its time by another clock. */
const timerGrainMs = 5

function byteCountOf({ key, value, headers }: RecordToSend): number {
  const headerBytes = headers.reduce((sum, [name, text]) => sum + Buffer.byteLength(name) + text.byteLength, 0)
  return (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + headerBytes
}
