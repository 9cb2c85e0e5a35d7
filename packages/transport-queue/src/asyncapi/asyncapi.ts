import { ConfigError, SchemaBook } from '@tenon/core/transport'
import { deadLetterTopic } from '../dead-letter/dead-letter.ts'
import { formatOf } from '../format/payload-formats.ts'
import { jsonFormat } from '../format/json-format.ts'
import type { AsyncApiOptions } from './asyncapi-options.ts'
import { checkAsyncApi } from './check/check-asyncapi.ts'
import { describeDeadLetter, describeMessage, kafkaBinding, messageKey, type MessageMeans } from './describe-message.ts'
import { describeOperations } from './describe-operation.ts'
import { overServers, referToServers, serversOf } from './describe-server.ts'
import type { AsyncApiChannel, AsyncApiDocument, AsyncApiInfo, AsyncApiMessage, AsyncApiTag } from './document.ts'
import { toDraftSeven } from './draft-seven.ts'
import { compareTexts, byName, type Named, toUnique } from './named.ts'
import { type AsyncApiPart, type Exchange, exchangesOf, type SortedParts, sortParts, topicOf } from './exchange.ts'

/**
 * Describes the messages of contracts, events and services as AsyncAPI 3.0: a channel for each topic and for the dead letters of each
 * group, with an operation for each who sends or receives. The same parts and options give the same document, byte for byte, in
 * whatever order the parts are given.
 *
 * A service knows who consumes; beside it stand the contracts and events that it deals with: what it does not consume it sends. Without a
 * service, commands are received and events sent. Title and version are those of the first service, unless they are given.
 *
 * What no connection of a service carries is left out. Where services have several connections, servers are named after them: each channel
 * names its own, and what goes over a connection without a server is left out.
 *
 * @throws ConfigError `config.malformed` for an option or a part that does not exist or has another form, a topic that a service consumes
 * and no part describes, a name that two operations or channels would have, and a format that `formats` does not have; what `describe()` of a service or a format throws.
 * @see AsyncAPI Specification 3.0.0; Kafka bindings 0.5.0
 */
export function asyncapi(
  parts: AsyncApiPart | readonly AsyncApiPart[],
  options: AsyncApiOptions = {},
): AsyncApiDocument {
  const problems = checkAsyncApi(options)
  if (problems.length > 0) throw new ConfigError(problems)
  const sorted = sortParts([parts].flat())
  const connections = sorted.services.flatMap((service) => service.connections.map(({ name }) => name))
  const exchanges = overServers(exchangesOf(sorted, options.sends ?? []), connections, options).toSorted(byPlace)
  const book = new SchemaBook()
  const { mode = 'binary' } = options
  const means = { book, mode, forwarded: forwardedBy(sorted), formatFor: formatsOf(options) }
  const channels = toUnique('channels', channelsOf(exchanges, means))
  const operations = toUnique('operations', describeOperations(exchanges))
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

/** Never changes with the order of the parts, so that schemas get the same names. */
function byPlace(one: Exchange, other: Exchange): number {
  const [first = '', second = ''] = [one, other].map(({ action, topic, group = '' }) => `${topic} ${group} ${action}`)
  return compareTexts(first, second)
}

/** What the services let messages inherit; what those of others bring is not known. */
function forwardedBy({ services }: SortedParts): readonly string[] | undefined {
  if (services.length === 0) return undefined
  return [...new Set(services.flatMap(({ forwardedMetadata }) => forwardedMetadata))]
}

/** @throws ConfigError for a format that nobody named. */
function formatsOf({ formats = [] }: AsyncApiOptions): MessageMeans['formatFor'] {
  const known = new Map([jsonFormat, ...formats].map((format) => [format.name, format]))
  return (content) => {
    const name = formatOf(content)
    const format = known.get(name)
    if (format !== undefined) return format
    const message = `asyncapi(): topic ${topicOf(content)} is written as ${name}; give that format among the formats, found ${[...known.keys()].join(', ')}`
    throw new ConfigError([{ code: 'config.malformed', message }])
  }
}

function channelsOf(exchanges: readonly Exchange[], means: MessageMeans): readonly Named<AsyncApiChannel>[] {
  const topics = [...Map.groupBy(exchanges, ({ topic }) => topic)].flatMap(([topic, same]) => {
    const servers = [...new Set(same.flatMap(({ connections }) => connections))].toSorted(compareTexts)
    return same.slice(0, 1).map(({ content }): Named<AsyncApiChannel> => {
      const message = describeMessage(content, means)
      return [topic, { ...toChannel(topic, message), ...referToServers(servers) }]
    })
  })
  return [...topics, ...exchanges.flatMap((exchange) => deadLettersOf(exchange, means))]
}

function deadLettersOf(exchange: Exchange, { book }: MessageMeans): readonly Named<AsyncApiChannel>[] {
  const { topic, group, content, connections } = exchange
  if (group === undefined) return []
  const address = deadLetterTopic(topic, group)
  const description = `What the group \`${group}\` could not handle.`
  const channel = toChannel(address, describeDeadLetter(content, book))
  return [[address, { ...channel, ...referToServers(connections), description }]]
}

function toChannel(address: string, message: AsyncApiMessage): AsyncApiChannel {
  return {
    address,
    messages: { [messageKey]: { ...message, ...converted(message) } },
    ...(message.tags && { tags: message.tags }),
    bindings: { kafka: { topic: address, ...kafkaBinding } },
  }
}

function converted({ headers, payload }: AsyncApiMessage): Pick<AsyncApiMessage, 'headers' | 'payload'> {
  return { headers: toDraftSeven(headers), ...(payload && { payload: toDraftSeven(payload) }) }
}

function infoOf(
  options: AsyncApiOptions,
  { services, contracts }: SortedParts,
  tagged: readonly { readonly tags?: readonly AsyncApiTag[] }[],
): AsyncApiInfo {
  const [service] = services.toSorted((one, other) => compareTexts(one.name, other.name))
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
