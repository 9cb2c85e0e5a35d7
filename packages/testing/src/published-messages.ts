import type { QueueOperation } from '@tenon/core/client'
import type { EventType, InputToSend, PayloadToSend } from '@tenon/core/contract'
import type { Metadata } from '@tenon/core/transport'

/** What can be published: an event, or a command, by its operation. */
export type MessageType = EventType | QueueOperation

/** An event or a command that a handler published. */
export interface PublishedMessage<Payload = unknown> {
  readonly topic: string
  readonly key: string
  /** What was published, without what its schema does not declare. Of a command, its input. */
  readonly payload: Payload
  /** What goes along: inherited metadata and the publisher's own headers, lower-case names. */
  readonly headers: Metadata
  /** What receivers know it by: the publisher's own id, else a random UUID. */
  readonly id: string
  /** How long it is held back; 0 unless the publisher said so. */
  readonly delayMs: number
  /** How long it has use; undefined for ever. */
  readonly expiresAfterMs: number | undefined
}

/** The messages of a type. */
export type PublishedOf<Type extends MessageType> = PublishedMessage<
  Type extends EventType ? PayloadToSend<Type> : Type extends QueueOperation ? InputToSend<Type> : never
>

/** All that was published, and whether anything takes it. */
export class PublishedMessages {
  readonly #messages: PublishedMessage[] = []
  readonly #outages = new Set<{ readonly error: unknown }>()

  get all(): readonly PublishedMessage[] {
    return [...this.#messages]
  }

  of(type: MessageType): readonly PublishedMessage[] {
    const topic = topicOf(type)
    return this.#messages.filter((message) => message.topic === topic)
  }

  add(message: PublishedMessage): void {
    this.#messages.push(message)
  }

  /** Lets publishing fail until it is disposed. */
  fail(error: unknown): Disposable {
    const outage = { error }
    this.#outages.add(outage)
    return { [Symbol.dispose]: () => void this.#outages.delete(outage) }
  }

  /** @throws what the last outage that has not ended fails with */
  requireTaker(): void {
    const outage = [...this.#outages].at(-1)
    if (outage) throw outage.error
  }
}

function topicOf(type: MessageType): string {
  return 'topic' in type ? type.topic : (type.queue?.topic ?? type.id)
}
