import {
  currentCall,
  type OutgoingMessage,
  outgoingCommand,
  outgoingEvent,
  type PublishOptions,
  Publisher,
  PublishOrder,
  type QueueOperation,
} from '@tenon/core/client'
import type { EventType, InputToSend, PayloadToSend } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { type MessageType, type PublishedMessage, PublishedMessages, type PublishedOf } from './published-messages.ts'

/** A publisher without a broker: what it is given goes onto a list. */
export interface RecordingPublisher extends Publisher {
  /** What was published, in order: all, or the messages of one type. */
  published(): readonly PublishedMessage[]
  published<Type extends MessageType>(type: Type): readonly PublishedOf<Type>[]
  /** Lets publishing fail until it is disposed: `using outage = publisher.brokerOutage()`. @defaultValue `unavailable` */
  brokerOutage(error?: Error): Disposable
}

/**
 * A publisher for tests of what takes a `Publisher`, without a service around it. It is as strict as that of a queue: what does not fit
 * its schema, a wrong option, a signal that fires and a deadline that passes fail as they do there, and are not listed; messages of one
 * type are listed in the order in which they were published. It has no bound and no time of its own, and it takes any format, since it
 * writes none. A service under `testService` has one of its own.
 */
export function recordingPublisher(): RecordingPublisher {
  return new ListingPublisher(new PublishedMessages())
}

/** Where messages go besides the list. */
export interface ListingOptions {
  /** The publisher that really sends them. @defaultValue none */
  readonly inner?: Publisher
}

/** Puts what is published on a list, once it was taken. */
export class ListingPublisher extends Publisher implements RecordingPublisher {
  readonly inner: Publisher | undefined
  readonly #messages: PublishedMessages
  readonly #order = new PublishOrder()

  constructor(messages: PublishedMessages, { inner }: ListingOptions = {}) {
    super()
    this.#messages = messages
    this.inner = inner
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options: PublishOptions = {}) {
    const prepare = () => outgoingEvent(event, payload, options)
    const deliver: Deliver = (inner, id) => inner.publish(event, payload, { ...options, id })
    await this.#publish({ type: event, prepare, deliver, signal: options.signal })
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options: PublishOptions = {}) {
    const prepare = () => outgoingCommand(operation, input, options)
    const deliver: Deliver = (inner, id) => inner.send(operation, input, { ...options, id })
    await this.#publish({ type: operation, prepare, deliver, signal: options.signal })
  }

  published(): readonly PublishedMessage[]
  published<Type extends MessageType>(type: Type): readonly PublishedOf<Type>[]
  published(type?: MessageType): readonly PublishedMessage[] {
    return type === undefined ? this.#messages.all : this.#messages.of(type)
  }

  brokerOutage(error: Error = noBroker()): Disposable {
    return this.#messages.fail(error)
  }

  /** Lists it once it is taken, behind those of its type that were published before. */
  async #publish({ type, prepare, deliver, signal }: MessageToPublish): Promise<void> {
    const before = this.#order.before(type)
    const letNextGo = this.#order.enter(type)
    try {
      const [message] = await whileWanted(Promise.all([prepare(), before]), signal)
      this.#messages.requireTaker()
      const delivered = this.inner && deliver(this.inner, message.id)
      // Without a broker it is listed before the next goes, so that the list is in order.
      if (delivered) letNextGo()
      await delivered
      this.#messages.add(toPublished(message))
    } finally {
      letNextGo()
    }
  }
}

/** Hands a message to the publisher that really sends it. */
type Deliver = (inner: Publisher, id: string) => Promise<void>

interface MessageToPublish {
  /** The event or the operation. */
  readonly type: object
  readonly signal: AbortSignal | undefined
  /** Makes sure that it may go out. */
  prepare(): OutgoingMessage | Promise<OutgoingMessage>
  deliver: Deliver
}

/** What a test's outage of the broker is, unless it says something else. */
export function noBroker(): ServiceError {
  return new ServiceError('unavailable', 'a message could not be published')
}

/** What the work comes to, unless the signal or the running call's deadline comes first. @throws as `requireWanted` */
async function whileWanted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const unwanted = Promise.withResolvers<never>()
  // Asked for here: where a signal fires there is no running call, or another one.
  const call = currentCall()
  const check = () => {
    try {
      requireWanted(signal, call)
    } catch (error) {
      unwanted.reject(error)
    }
  }
  check()
  const signals = [signal, call?.signal]
  for (const one of signals) one?.addEventListener('abort', check)
  try {
    return await Promise.race([unwanted.promise, work])
  } finally {
    for (const one of signals) one?.removeEventListener('abort', check)
  }
}

/** @throws ServiceError `cancelled` or `deadline_exceeded`, as the publisher of a queue does */
function requireWanted(signal: AbortSignal | undefined, call: ReturnType<typeof currentCall>): void {
  const reasons: readonly unknown[] = [signal, call?.signal].flatMap((one) => (one?.aborted ? [one.reason] : []))
  const [cause] = reasons
  // A timer may fire a little before its time.
  if (call?.remainingMs() === 0 || reasons.some(isOfDeadline))
    throw new ServiceError('deadline_exceeded', 'the deadline passed before the message was published', { cause })
  if (signal?.aborted) throw new ServiceError('cancelled', 'publishing was given up', { cause })
}

function isOfDeadline(reason: unknown): boolean {
  return ServiceError.is(reason) && reason.code === 'deadline_exceeded'
}

function toPublished({ value, headers, ...facts }: OutgoingMessage): PublishedMessage {
  return Object.freeze({ ...facts, payload: structuredClone(value), headers: Object.freeze({ ...headers }) })
}
