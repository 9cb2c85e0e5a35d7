import type { EventType, JsonSchema, Operation } from '@tenon/core/contract'
import type { MessageContent, SchemaBook } from '@tenon/core/transport'
import type { DescribedFormat } from './asyncapi-options.ts'
import type { AsyncApiMessage, AsyncApiTag, KafkaBinding } from './document.ts'
import { type CloudEventsMode, deadLetterHeaders, messageHeaders } from './header-schema.ts'
import { structuredBody } from './message-body.ts'

export const kafkaBinding: KafkaBinding = Object.freeze({ bindingVersion: '0.5.0' })

/** A channel has one kind of message. */
export const messageKey = 'message'

/** What contracts and events say of messages, in the same words for both. */
export interface MessageFacts {
  readonly topic: string
  /** The field whose value keys the message. */
  readonly key: string
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly tags: readonly string[]
  readonly deprecated: boolean
  readonly examples: Operation['examples']
}

export function factsOf(content: MessageContent): MessageFacts {
  return content.kind === 'event' ? eventFacts(content.event) : commandFacts(content.operation)
}

/** What messages of a document have in common. */
export interface MessageMeans {
  readonly book: SchemaBook
  readonly mode: CloudEventsMode
  /** Names of the metadata that messages inherit; undefined where no service says so. */
  readonly forwarded: readonly string[] | undefined
  readonly formatFor: (content: MessageContent) => DescribedFormat
}

/** The message of an event or a command. */
export function describeMessage(content: MessageContent, means: MessageMeans): AsyncApiMessage {
  const { book, mode, formatFor } = means
  const { topic, key, summary, description, tags, deprecated, examples } = factsOf(content)
  const format = formatFor(content)
  const described = format.describe?.(content)
  const own = { contentType: format.contentType, payload: book.add(content.jsonSchema, hintOf(topic)) }
  const body = mode === 'binary' ? own : structuredBody(topic, own)
  return {
    name: topic,
    ...(summary !== undefined && { summary }),
    ...(description !== undefined && { description }),
    headers: headersOf(topic, body.contentType, means),
    ...body,
    ...(described && { 'x-payload-format': { name: format.name, ...described } }),
    ...toTags(tags),
    ...(examples.length > 0 && mode === 'binary' && { examples: examples.map(toExample) }),
    ...(deprecated && { 'x-deprecated': true as const }),
    bindings: { kafka: { key: keyOf(key), ...kafkaBinding } },
  }
}

/** A message that a group gave up. */
export function describeDeadLetter(content: MessageContent, book: SchemaBook): AsyncApiMessage {
  const { topic, key } = factsOf(content)
  return {
    name: 'DeadLetter',
    summary: `A message of ${topic} that could not be handled, with key, value and headers as they came.`,
    headers: { allOf: [book.add(deadLetterHeaders, 'DeadLetterHeaders')], type: 'object' },
    payload: { description: 'As it came, whether it can be read or not; `content-type` says what it should be.' },
    bindings: { kafka: { key: keyOf(key), ...kafkaBinding } },
  }
}

/** Groups, as every object has them. */
export function toTags(names: readonly string[]): { readonly tags?: readonly AsyncApiTag[] } {
  return names.length === 0 ? {} : { tags: names.map((name) => ({ name })) }
}

function eventFacts({ topic, key, summary, description, tags, deprecated }: EventType): MessageFacts {
  return { topic, key, summary, description, tags, deprecated, examples: [] }
}

function commandFacts(operation: Operation): MessageFacts {
  const { queue, summary, description, tags, deprecated, deprecation, examples } = operation
  const sunset =
    deprecation?.sunsetAt === undefined ? [] : [`Answers until ${new Date(deprecation.sunsetAt).toISOString()}.`]
  const link = deprecation?.link === undefined ? [] : [`What to use instead: <${deprecation.link}>.`]
  const texts = [...(description === undefined ? [] : [description]), [...sunset, ...link].join(' ')].filter(
    (one) => one !== '',
  )
  return {
    topic: queue?.topic ?? '',
    key: queue?.key ?? '',
    summary,
    description: texts.length === 0 ? undefined : texts.join('\n\n'),
    tags,
    deprecated,
    examples,
  }
}

function headersOf(topic: string, contentType: string, { book, mode, forwarded }: MessageMeans): JsonSchema {
  return {
    type: 'object',
    allOf: [book.add(messageHeaders(mode, forwarded), 'MessageHeaders')],
    properties: { 'content-type': { const: contentType }, ce_type: { const: topic } },
  }
}

function toExample({ name, summary, input }: Operation['examples'][number]) {
  return { ...(name !== undefined && { name }), ...(summary !== undefined && { summary }), payload: input }
}

/** Any text: a publisher may choose another key than the field, whose form it need not have. */
function keyOf(field: string): JsonSchema {
  const description = `\`${field}\` of the payload as text, unless its publisher chooses another. Messages of one key keep their order.`
  return { type: 'string', description }
}

/** `shop.order.placed.v1` becomes `ShopOrderPlacedV1`. */
function hintOf(topic: string): string {
  const words = topic.split(/[^a-z0-9]+/)
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}
