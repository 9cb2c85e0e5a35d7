import type { JsonSchema } from '@tenon/core/contract'
import { ConfigError, SchemaBook } from '@tenon/core/transport'
import { deadLetterTopic } from '../dead-letter/dead-letter.ts'
import { formatOf } from '../format/payload-formats.ts'
import { jsonFormat } from '../format/json-format.ts'
import type { AsyncApiOptions } from './asyncapi-options.ts'
import { checkAsyncApi } from './check-asyncapi.ts'
import {
  describeDeadLetter,
  describeMessage,
  factsOf,
  kafkaBinding,
  type MessageMeans,
  toTags,
} from './describe-message.ts'
import type {
  AsyncApiChannel,
  AsyncApiDocument,
  AsyncApiInfo,
  AsyncApiMessage,
  AsyncApiOperation,
  AsyncApiServerObject,
  AsyncApiTag,
} from './document.ts'
import { toDraftSeven } from './draft-seven.ts'
import { type AsyncApiPart, type Exchange, exchangesOf, type SortedParts, sortParts, topicOf } from './exchange.ts'

/**
 * Describes the messages of contracts, events and services as AsyncAPI 3.0: a channel for each topic and for the dead letters of each
 * group, with an operation for each who sends or receives. The same parts and options give the same document, byte for byte, in
 * whatever order the parts are given.
 *
 * A service knows who consumes; beside it stand the contracts and events that it deals with: what it does not consume it sends. Without a
 * service, commands are received and events sent. Title and version are those of the first service, unless they are given.
 *
 * @throws ConfigError `config.malformed` for an option or a part that does not exist or has another form, a topic that a service consumes
 * and no part describes, and a format that `formats` does not have; what `describe()` of a service throws.
 * @see AsyncAPI Specification 3.0.0; Kafka bindings 0.5.0
 */
export function asyncapi(
  parts: AsyncApiPart | readonly AsyncApiPart[],
  options: AsyncApiOptions = {},
): AsyncApiDocument {
  const problems = checkAsyncApi(options)
  if (problems.length > 0) throw new ConfigError(problems)
  const sorted = sortParts([parts].flat())
  const exchanges = exchangesOf(sorted, options.sends ?? []).toSorted(byPlace)
  const book = new SchemaBook()
  const channels = Object.fromEntries(
    channelsOf(exchanges, { book, mode: options.mode ?? 'binary', contentTypeOf: contentTypes(options) }).toSorted(
      byName,
    ),
  )
  const operations = Object.fromEntries(exchanges.flatMap(describeExchange).toSorted(byName))
  const { securitySchemes } = options
  const document = {
    asyncapi: '3.0.0',
    info: infoOf(options, sorted, [...Object.values(channels), ...Object.values(operations)]),
    ...serversOf(options),
    defaultContentType: jsonFormat.contentType,
    channels,
    operations,
    components: {
      schemas: Object.fromEntries(
        Object.entries(book.components).map(([name, one]) => [name, toDraftSeven(one)] as const),
      ),
      ...(securitySchemes !== undefined && { securitySchemes }),
    },
  } satisfies AsyncApiDocument
  return document
}

type Named<Value> = readonly [name: string, value: Value]

function byName([one]: Named<unknown>, [other]: Named<unknown>): number {
  return one < other ? -1 : 1
}

function byPlace(one: Exchange, other: Exchange): number {
  const [first = '', second = ''] = [one, other].map(({ topic, group = '' }) => `${topic} ${group}`)
  return first < second ? -1 : 1
}

/** @throws ConfigError for a format that nobody named. */
function contentTypes({ formats = [] }: AsyncApiOptions): MessageMeans['contentTypeOf'] {
  const known = new Map([jsonFormat, ...formats].map(({ name, contentType }) => [name, contentType]))
  return (content) => {
    const name = formatOf(content)
    const contentType = known.get(name)
    if (contentType !== undefined) return contentType
    const message = `asyncapi(): topic ${topicOf(content)} is written as ${name}; give that format among the formats, found ${[...known.keys()].join(', ')}`
    throw new ConfigError([{ code: 'config.malformed', message }])
  }
}

function channelsOf(exchanges: readonly Exchange[], means: MessageMeans): readonly Named<AsyncApiChannel>[] {
  const byTopic = new Map(exchanges.map((exchange) => [exchange.topic, exchange]))
  const topics = [...byTopic.values()].map(({ topic, content }): Named<AsyncApiChannel> => {
    const message = describeMessage(content, means)
    return [topic, toChannel(topic, message)]
  })
  return [...topics, ...exchanges.flatMap((exchange) => deadLettersOf(exchange, means))]
}

function deadLettersOf({ topic, group, content }: Exchange, { book }: MessageMeans): readonly Named<AsyncApiChannel>[] {
  if (group === undefined) return []
  const address = deadLetterTopic(topic, group)
  const description = `What the group \`${group}\` could not handle.`
  return [[address, { ...toChannel(address, describeDeadLetter(content, book)), description }]]
}

function toChannel(address: string, message: AsyncApiMessage): AsyncApiChannel {
  return {
    address,
    messages: { [messageKey]: { ...message, ...converted(message) } },
    ...(message.tags && { tags: message.tags }),
    bindings: { kafka: { topic: address, ...kafkaBinding } },
  }
}

/** A channel has one kind of message. */
const messageKey = 'message'

function converted({ headers, payload }: AsyncApiMessage): Pick<AsyncApiMessage, 'headers' | 'payload'> {
  return { headers: toDraftSeven(headers), ...(payload && { payload: toDraftSeven(payload) }) }
}

/** What those who are described do with the messages, and with those that they cannot handle. */
function describeExchange(exchange: Exchange): readonly Named<AsyncApiOperation>[] {
  const { action, topic, content, group } = exchange
  const { summary, tags, deprecated } = factsOf(content)
  const operation: AsyncApiOperation = {
    ...placeOf(action, topic),
    ...(summary !== undefined && { summary }),
    ...describeGroup(topic, group),
    ...toTags(tags),
    ...(deprecated && { 'x-deprecated': true as const }),
    ...(group !== undefined && bindingOf(group)),
  }
  if (group === undefined) return [[idOf(exchange), operation]]
  const letters = deadLetterTopic(topic, group)
  const burial = { ...placeOf('send', letters), summary: `Puts aside what the group ${group} could not handle.` }
  return [
    [idOf(exchange), operation],
    [`send_${letters}`, burial],
  ]
}

/** As OpenAPI has it for an operation that is received; no part that is added later takes it away. */
function idOf({ action, topic, content, group }: Exchange): string {
  const name = content.kind === 'command' ? `${content.operation.contract}_${content.operation.name}` : topic
  if (content.kind === 'command') return action === 'receive' ? name : `send_${name}`
  // No topic has two of them in a row.
  return group === undefined ? `${action}_${name}` : `${action}_${name}__${group}`
}

function placeOf(action: AsyncApiOperation['action'], topic: string) {
  const channel = `#/channels/${topic}`
  return { action, channel: { $ref: channel }, messages: [{ $ref: `${channel}/messages/${messageKey}` }] }
}

function describeGroup(topic: string, group: string | undefined): Pick<AsyncApiOperation, 'description'> {
  if (group === undefined) return {}
  const description = `The group \`${group}\` handles each message at least once, those of one key in their order. What it cannot handle goes to \`${deadLetterTopic(topic, group)}\`.`
  return { description }
}

function bindingOf(group: string): Pick<AsyncApiOperation, 'bindings'> {
  const groupId: JsonSchema = { type: 'string', enum: [group] }
  return { bindings: { kafka: { groupId, ...kafkaBinding } } }
}

function infoOf(
  options: AsyncApiOptions,
  { services, contracts }: SortedParts,
  tagged: readonly { readonly tags?: readonly AsyncApiTag[] }[],
): AsyncApiInfo {
  const [service] = services.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const [contract] = contracts.map((name) => name.slice(name.lastIndexOf('.') + 1)).toSorted()
  const { title = service?.name ?? contract ?? 'API', version = service?.version ?? '1.0.0' } = options
  const { description, termsOfService, contact, license, tags = [] } = options
  const given = new Map(tags.map((tag) => [tag.name, tag]))
  const used = tagged.flatMap((one) => one.tags ?? []).map((tag) => [tag.name, given.get(tag.name) ?? tag] as const)
  const all = [...new Map([...given, ...used])].toSorted(byName).map(([, tag]) => tag)
  return {
    title,
    version,
    ...(description !== undefined && { description }),
    ...(termsOfService !== undefined && { termsOfService }),
    ...(contact !== undefined && { contact }),
    ...(license !== undefined && { license }),
    ...(all.length > 0 && { tags: all }),
  }
}

function serversOf({ servers }: AsyncApiOptions): Pick<AsyncApiDocument, 'servers'> {
  if (servers === undefined) return {}
  const entries = Object.entries(servers).map(([name, server]): Named<AsyncApiServerObject> => {
    const { host, protocol = 'kafka', protocolVersion, description, security = [] } = server
    const schemes = security.map((scheme) => ({ $ref: `#/components/securitySchemes/${scheme}` }))
    return [
      name,
      {
        host,
        protocol,
        ...(protocolVersion !== undefined && { protocolVersion }),
        ...(description !== undefined && { description }),
        ...(schemes.length > 0 && { security: schemes }),
      },
    ]
  })
  return { servers: Object.fromEntries(entries.toSorted(byName)) }
}
