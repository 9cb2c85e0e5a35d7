import {
  currentCall,
  type OutgoingMessage,
  outgoingCommand,
  outgoingEvent,
  type PublishOptions,
  Publisher,
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
 * its schema, a wrong option, a signal that has fired and a deadline that has passed fail as they do there, and are not
 * listed. A service under `testService` has one of its own.
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

  constructor(messages: PublishedMessages, { inner }: ListingOptions = {}) {
    super()
    this.#messages = messages
    this.inner = inner
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options: PublishOptions = {}) {
    const message = await outgoingEvent(event, payload, options)
    this.#messages.requireTaker()
    await (this.inner ? this.inner.publish(event, payload, { ...options, id: message.id }) : requireWanted(options))
    this.#messages.add(toPublished(message))
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options: PublishOptions = {}) {
    const message = await outgoingCommand(operation, input, options)
    this.#messages.requireTaker()
    await (this.inner ? this.inner.send(operation, input, { ...options, id: message.id }) : requireWanted(options))
    this.#messages.add(toPublished(message))
  }

  published(): readonly PublishedMessage[]
  published<Type extends MessageType>(type: Type): readonly PublishedOf<Type>[]
  published(type?: MessageType): readonly PublishedMessage[] {
    return type === undefined ? this.#messages.all : this.#messages.of(type)
  }

  brokerOutage(error: Error = noBroker()): Disposable {
    return this.#messages.fail(error)
  }
}

/** What a test's outage of the broker is, unless it says something else. */
export function noBroker(): ServiceError {
  return new ServiceError('unavailable', 'a message could not be published')
}

/** @throws ServiceError `cancelled` or `deadline_exceeded`, as the publisher of a queue does */
function requireWanted({ signal }: PublishOptions): void {
  const reason: unknown = signal?.aborted ? signal.reason : undefined
  const isLate = currentCall()?.remainingMs() === 0 || (ServiceError.is(reason) && reason.code === 'deadline_exceeded')
  if (isLate)
    throw new ServiceError('deadline_exceeded', 'the deadline passed before the message was published', {
      cause: reason,
    })
  if (signal?.aborted) throw new ServiceError('cancelled', 'publishing was given up', { cause: reason })
}

function toPublished({ value, headers, ...facts }: OutgoingMessage): PublishedMessage {
  return Object.freeze({ ...facts, payload: structuredClone(value), headers: Object.freeze({ ...headers }) })
}
