import { randomUUID } from 'node:crypto'
import { outgoingMetadata } from '../../call/propagation.ts'
import type { EventType } from '../../contract/event.ts'
import type { Operation, QueueBinding } from '../../contract/operation.ts'
import { type CompiledSchema, compileSchema, type SchemaResult } from '../../schema/compiled-schema.ts'
import type { JsonSchema, Schema } from '../../schema/schema.ts'
import {
  checkKey,
  isEnvelopeHeader,
  type PublishOptions,
  requirePublishable,
  unpublishable,
} from './publisher-options.ts'

/** An event or a command that may go out: it fits its schema, has its key, and its options are right. */
export interface OutgoingMessage {
  readonly topic: string
  readonly key: string
  /** What was published, without what its schema does not declare; with `bigint`s and bytes as the publisher has them. */
  readonly value: unknown
  /** What goes along: inherited metadata, without a deadline, and the publisher's own headers; lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly id: string
  readonly delayMs: number
  readonly expiresAfterMs: number | undefined
}

/**
 * Makes an event ready to go out, as every publisher does it. A promise only when the library's validator is asynchronous.
 *
 * @throws ServiceError `internal` for a payload that does not fit its schema and for wrong options; the cause names them
 */
export function outgoingEvent(
  event: EventType,
  payload: unknown,
  options?: PublishOptions,
): OutgoingMessage | Promise<OutgoingMessage> {
  const topic = topicOf(event)
  const { key: keyField, payloadSchema: schema, payloadJsonSchema: jsonSchema } = event
  return writeMessage(payload, { owner: event, what: `event ${topic}`, topic, keyField, schema, jsonSchema }, options)
}

/**
 * Makes an operation's input ready to go out as a command.
 *
 * @throws ServiceError `internal` as `outgoingEvent`, and for an operation without a queue binding
 */
export function outgoingCommand(
  operation: Operation,
  input: unknown,
  options?: PublishOptions,
): OutgoingMessage | Promise<OutgoingMessage> {
  const { topic, key: keyField } = bindingOf(operation)
  const { id, inputSchema: schema, inputJsonSchema: jsonSchema } = operation
  return writeMessage(input, { owner: operation, what: `command ${id}`, topic, keyField, schema, jsonSchema }, options)
}

/** Where an event goes. @throws ServiceError `internal` for what is no event */
export function topicOf(event: EventType): string {
  if (isEvent(event)) return event.topic
  throw unpublishable('what was given', ['publish() takes an event made by event()'])
}

/** Where a command goes. @throws ServiceError `internal` for an operation without a queue binding */
export function bindingOf({ id, queue }: Operation): QueueBinding {
  if (queue) return queue
  throw unpublishable(`command ${id}`, ['its contract gives it no queue binding: add queue: { topic, key }'])
}

/** What a message's contract says of it. */
interface MessageFacts {
  readonly owner: object
  /** For the log. */
  readonly what: string
  readonly topic: string
  /** The field whose value keys the message. */
  readonly keyField: string
  readonly schema: Schema
  readonly jsonSchema: JsonSchema
}

function writeMessage(
  given: unknown,
  facts: MessageFacts,
  options: PublishOptions = {},
): OutgoingMessage | Promise<OutgoingMessage> {
  requirePublishable(facts.what, options)
  const toMessage = (result: SchemaResult) => messageOf(result, facts, options)
  const failed = (cause: unknown): never => {
    throw unpublishable(facts.what, ['the validator of its schema failed'], cause)
  }
  const result = tried(() => compiledOf(facts).write(given), failed)
  return result instanceof Promise ? result.catch(failed).then(toMessage) : toMessage(result)
}

function tried<T>(work: () => T, failed: (cause: unknown) => never): T {
  try {
    return work()
  } catch (cause) {
    return failed(cause)
  }
}

function messageOf(result: SchemaResult, facts: MessageFacts, options: PublishOptions): OutgoingMessage {
  if (!result.ok) {
    const found = result.violations.map(({ field, message }) => `${field || '(all of it)'} ${message}`)
    throw unpublishable(facts.what, ['it does not fit its schema', ...found])
  }
  return {
    topic: facts.topic,
    key: options.key ?? keyOf(result.value, facts),
    value: result.value,
    headers: headersOf(options.headers),
    id: options.id ?? randomUUID(),
    delayMs: options.delayMs ?? 0,
    expiresAfterMs: options.expiresAfterMs,
  }
}

/** For all publishers of the process. */
const compiled = new WeakMap<object, CompiledSchema>()

function compiledOf({ owner, what, schema, jsonSchema }: MessageFacts): CompiledSchema {
  const made = compiled.get(owner) ?? compileSchema(schema, jsonSchema, what)
  compiled.set(owner, made)
  return made
}

function keyOf(value: unknown, { what, keyField }: MessageFacts): string {
  const field: unknown = Reflect.get(Object(value), keyField)
  // An int64() is a bigint.
  const key = typeof field === 'bigint' ? String(field) : field
  const problems = checkKey(key)
  if (problems.length > 0)
    throw unpublishable(
      what,
      problems.map((problem) => `the key field /${keyField}: ${problem}`),
    )
  return String(key)
}

/** What is inherited can be named by the service, and must not pass for the publisher's own. */
function headersOf(own: PublishOptions['headers'] = {}): Readonly<Record<string, string>> {
  const inherited = Object.entries(outgoingMetadata()).filter(([name]) => !isEnvelopeHeader(name))
  const given = Object.entries(own).map(([name, text]) => [name.toLowerCase(), text] as const)
  return Object.fromEntries([...inherited, ...given])
}

function isEvent(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'payloadSchema' in event && 'topic' in event
}
