import { outgoingMetadata, type PublishOptions, Publisher, type QueueOperation } from '@tenon/core/client'
import type { EventType, InputToSend, JsonSchema, PayloadToSend, Schema } from '@tenon/core/contract'
import { compileSchema, type Metadata, type Provider, ServiceError, type Violation } from '@tenon/core/transport'

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
}

/** The messages of a type. */
export type PublishedOf<Type extends MessageType> = PublishedMessage<
  Type extends EventType ? PayloadToSend<Type> : Type extends QueueOperation ? InputToSend<Type> : never
>

/** All that the handlers of a service have published, and whether anything takes it. */
export class PublishedMessages {
  readonly #messages: PublishedMessage[] = []
  readonly #outages = new Set<{ readonly error: unknown }>()

  get all(): readonly PublishedMessage[] {
    return [...this.#messages]
  }

  of(topic: string): readonly PublishedMessage[] {
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

/** Where messages go besides the list. */
export interface RecordingOptions {
  /** The publisher that really sends them. @defaultValue none */
  readonly inner?: Publisher
}

/** Puts what is published on a list, once it was taken, as strict about it as the publisher of a queue. */
export class RecordingPublisher extends Publisher {
  readonly inner: Publisher | undefined
  readonly #messages: PublishedMessages

  constructor(messages: PublishedMessages, { inner }: RecordingOptions = {}) {
    super()
    this.#messages = messages
    this.inner = inner
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options: PublishOptions = {}) {
    const { topic, key, payloadSchema: schema, payloadJsonSchema: jsonSchema } = event
    const message = await write(payload, {
      what: `the payload of event ${topic}`,
      topic,
      key,
      schema,
      jsonSchema,
      options,
    })
    this.#messages.requireTaker()
    await this.inner?.publish(event, payload, options)
    this.#messages.add(message)
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options: PublishOptions = {}) {
    const { id, queue, inputSchema: schema, inputJsonSchema: jsonSchema } = operation
    if (queue === undefined) throw new ServiceError('internal', `operation ${id} has no queue binding`)
    const message = await write(input, { what: `the input of command ${id}`, ...queue, schema, jsonSchema, options })
    this.#messages.requireTaker()
    await this.inner?.send(operation, input, options)
    this.#messages.add(message)
  }
}

/** The provider of a transport; where it is the publisher's, what that publishes is recorded. */
export function recorded(provider: Provider, messages: PublishedMessages): Provider {
  if (provider.token !== Publisher) return provider
  const { create, dispose, check } = provider
  const innerOf = (value: unknown) => (value instanceof RecordingPublisher ? value.inner : undefined)
  return {
    ...provider,
    create: async (...given) => {
      const inner = await create(...given)
      if (!(inner instanceof Publisher)) throw new TypeError('expected the provider of Publisher to make a Publisher')
      return new RecordingPublisher(messages, { inner })
    },
    dispose: (value, signal) => (dispose ? dispose(innerOf(value), signal) : release(innerOf(value))),
    check: check && ((value, signal) => check(innerOf(value), signal)),
  }
}

/** As the container does with a value whose provider says nothing. */
async function release(value: object | undefined): Promise<void> {
  if (value && Symbol.asyncDispose in value) await (value as AsyncDisposable)[Symbol.asyncDispose]()
  else if (value && Symbol.dispose in value) (value as Disposable)[Symbol.dispose]()
}

interface Outgoing {
  readonly what: string
  readonly topic: string
  /** The field whose value keys the message. */
  readonly key: string
  readonly schema: Schema
  readonly jsonSchema: JsonSchema
  readonly options: PublishOptions
}

/** @throws ServiceError `internal` for what does not fit its schema; `unavailable` when it was given up. */
async function write(
  given: unknown,
  { what, topic, key, schema, jsonSchema, options }: Outgoing,
): Promise<PublishedMessage> {
  const result = await compileSchema(schema, jsonSchema).write(given)
  if (!result.ok) throw misfit(what, result.violations)
  if (options.signal?.aborted)
    throw new ServiceError('unavailable', 'publishing was given up', { cause: options.signal.reason })
  const own = Object.entries(options.headers ?? {}).map(([name, text]) => [name.toLowerCase(), text] as const)
  return Object.freeze({
    topic,
    key: options.key ?? String(Reflect.get(Object(result.value), key)),
    payload: structuredClone(result.value),
    headers: Object.freeze({ ...outgoingMetadata(), ...Object.fromEntries(own) }),
  })
}

/** Our own fault, so a caller learns nothing of it but that it is. */
function misfit(what: string, violations: readonly Violation[]): ServiceError {
  const found = violations.map(({ field, message }) => `${field || '(all of it)'} ${message}`).join('; ')
  const cause = new Error(`${what} does not fit its schema: ${found}`)
  return new ServiceError('internal', 'a message does not fit its schema', { cause })
}
