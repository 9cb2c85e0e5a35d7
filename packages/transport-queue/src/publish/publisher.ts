import { randomUUID } from 'node:crypto'
import { outgoingMetadata, type PublishOptions, Publisher, type QueueOperation } from '@tenon/core/client'
import type { EventType, InputToSend, PayloadToSend, Schema, JsonSchema } from '@tenon/core/contract'
import {
  type CompiledSchema,
  compileJsonWriter,
  compileSchema,
  type JsonWriter,
  ServiceError,
  type ServiceIdentity,
  type Violation,
} from '@tenon/core/transport'
import type { RecordHeader } from '../queue-driver.ts'
import type { QueueSettings } from '../queue-options.ts'
import { within } from '../wait.ts'

/** The publisher of a service, over a driver that is connected. */
export class QueuePublisher extends Publisher {
  readonly #settings: QueueSettings
  readonly #source: string
  readonly #messages = new WeakMap<object, Message>()
  readonly #topics = new Map<string, Promise<void>>()

  constructor(settings: QueueSettings, service: ServiceIdentity) {
    super()
    this.#settings = settings
    this.#source = service.name
  }

  async publish<Event extends EventType>(event: Event, payload: PayloadToSend<Event>, options?: PublishOptions) {
    const { schema, writeJson } = this.#messageOf(event, event.payloadSchema, event.payloadJsonSchema)
    const result = await schema.write(payload)
    if (!result.ok) throw misfit(`the payload of event ${event.topic}`, result.violations)
    await this.#produce({ topic: event.topic, keyField: event.key, value: result.value, writeJson }, options)
  }

  async send<Op extends QueueOperation>(operation: Op, input: InputToSend<Op>, options?: PublishOptions) {
    const { queue } = operation
    if (queue === undefined) throw new ServiceError('internal', `operation ${operation.id} has no queue binding`)
    const { schema, writeJson } = this.#messageOf(operation, operation.inputSchema, operation.inputJsonSchema)
    const result = await schema.write(input)
    if (!result.ok) throw misfit(`the input of command ${operation.id}`, result.violations)
    await this.#produce({ topic: queue.topic, keyField: queue.key, value: result.value, writeJson }, options)
  }

  #messageOf(owner: object, schema: Schema, jsonSchema: JsonSchema): Message {
    const message = this.#messages.get(owner) ?? {
      schema: compileSchema(schema, jsonSchema),
      writeJson: compileJsonWriter(jsonSchema),
    }
    this.#messages.set(owner, message)
    return message
  }

  async #produce({ topic, keyField, value, writeJson }: Outgoing, options: PublishOptions = {}): Promise<void> {
    const { driver, requestTimeoutMs: timeoutMs } = this.#settings
    const key = options.key ?? String(Reflect.get(Object(value), keyField))
    const record = {
      topic,
      key: Buffer.from(key),
      value: Buffer.from(writeJson(value)),
      headers: this.#headers(topic, options.headers ?? {}),
    }
    await this.#topicReady(topic)
    await driver.produce([record], { timeoutMs, signal: options.signal })
  }

  /** Once for every topic, so that a fresh broker works. All publishers of a topic wait for the same, which keeps their order. */
  #topicReady(topic: string): Promise<void> {
    const ready =
      this.#topics.get(topic) ??
      this.#ensureTopic(topic).catch((cause: unknown) => {
        this.#topics.delete(topic)
        throw new ServiceError('unavailable', `topic ${topic} is not there and could not be created`, { cause })
      })
    this.#topics.set(topic, ready)
    return ready
  }

  #ensureTopic(topic: string): Promise<void> {
    const { driver, partitionCount, requestTimeoutMs } = this.#settings
    const message = `${driver.target} did not answer within ${requestTimeoutMs} ms`
    return within(driver.ensureTopics([{ topic, partitionCount }]), requestTimeoutMs, message)
  }

  /** @see CloudEvents Kafka protocol binding 1.0, binary content mode */
  #headers(topic: string, own: Readonly<Record<string, string>>): readonly RecordHeader[] {
    const ownLowerCase = Object.entries(own).map(([name, text]) => [name.toLowerCase(), text] as const)
    const headers = new Map([
      ...Object.entries(outgoingMetadata()),
      ...ownLowerCase,
      ['content-type', 'application/json'],
      ['ce_specversion', '1.0'],
      ['ce_id', randomUUID()],
      ['ce_source', this.#source],
      ['ce_type', topic],
      ['ce_time', new Date().toISOString()],
    ] as const)
    return Array.from(headers, ([name, text]) => [name, Buffer.from(text)])
  }
}

/** What messages of one event or command share. */
interface Message {
  readonly schema: CompiledSchema
  readonly writeJson: JsonWriter
}

interface Outgoing {
  readonly topic: string
  readonly keyField: string
  readonly value: unknown
  readonly writeJson: JsonWriter
}

/** Our own fault, so a caller learns nothing of it but that it is. */
function misfit(what: string, violations: readonly Violation[]): ServiceError {
  const found = violations.map(({ field, message }) => `${field || '(all of it)'} ${message}`).join('; ')
  const cause = new Error(`${what} does not fit its schema: ${found}`)
  return new ServiceError('internal', 'a message does not fit its schema', { cause })
}
