import { type AnyContract, contractInfo, type EventType, isContract, olderEvents } from '@tenon/core/contract'
import type { Service } from '@tenon/core'
import { ConfigError, isRecord, type MessageContent, type SetupProblem, toFound } from '@tenon/core/transport'
import { commandContent, eventContent } from '../format/payload-formats.ts'

/** What a document can be about. */
export type AsyncApiPart = AnyContract | EventType | DescribedService

/** What is asked of a service: made by `defineService()`. */
export type DescribedService = Pick<Service, 'name' | 'version' | 'describe'>

/** One direction in which messages of a topic go, seen from those who are described. */
export interface Exchange {
  readonly action: 'send' | 'receive'
  readonly topic: string
  readonly content: MessageContent
  /** Who receives; undefined where only the service knows. */
  readonly group: string | undefined
}

/** Contracts and events, and the services that deal with them. */
export interface SortedParts {
  readonly contents: readonly MessageContent[]
  readonly contracts: readonly string[]
  readonly services: readonly DescribedService[]
}

/** @throws ConfigError `config.malformed` for what is none of these, and for two different messages on one topic. */
export function sortParts(parts: readonly unknown[]): SortedParts {
  const contracts = parts.filter(isAnyContract).map((one) => contractInfo(one))
  const events = parts.filter(isEvent)
  const services = parts.filter(isService)
  const strays = parts.filter((part) => !isAnyContract(part) && !isEvent(part) && !isService(part))
  const commands = contracts.flatMap(({ operations }) => operations.filter(({ queue }) => queue !== undefined))
  const contents = [...new Set(commands)].map(commandContent).concat([...new Set(events)].map(eventContent))
  const problems = [...strays.map(noPart), ...findShared(contents)]
  if (problems.length > 0) throw new ConfigError(problems)
  return { contents, contracts: contracts.map(({ name }) => name), services }
}

/**
 * The ways of all messages. Services receive what they handle and send the rest of what is given, and what is among `sends`; without a
 * service a command is received and an event sent.
 *
 * @throws ConfigError `config.malformed` for topics that a service consumes and nobody described, and for what is sent and not given.
 */
export function exchangesOf({ contents, services }: SortedParts, sends: readonly unknown[]): readonly Exchange[] {
  const strays = sends.filter((one) => !contents.some((content) => subjectOf(content) === one))
  if (strays.length > 0) throw new ConfigError(strays.map(notSent))
  if (services.length === 0) return contents.map(alone)
  const known = new Map([...contents.flatMap(olderContents), ...contents].map((one) => [topicOf(one), one] as const))
  const received = services.flatMap((service) => receivedBy(service))
  const missing = received.filter(({ topic }) => !known.has(topic)).map(notGiven)
  if (missing.length > 0) throw new ConfigError(missing)
  const taken = new Set(received.map(({ topic }) => topic))
  return [
    ...received.flatMap(({ topic, group }): readonly Exchange[] => {
      const content = known.get(topic)
      return content === undefined ? [] : [{ action: 'receive', topic, content, group }]
    }),
    ...contents
      .filter((content) => !taken.has(topicOf(content)) || sends.includes(subjectOf(content)))
      .map((content): Exchange => ({ action: 'send', topic: topicOf(content), content, group: undefined })),
  ]
}

export function topicOf(content: MessageContent): string {
  return content.kind === 'event' ? content.event.topic : (content.operation.queue?.topic ?? '')
}

function subjectOf(content: MessageContent): unknown {
  return content.kind === 'event' ? content.event : content.operation
}

function alone(content: MessageContent): Exchange {
  const topic = topicOf(content)
  if (content.kind === 'event') return { action: 'send', topic, content, group: undefined }
  return { action: 'receive', topic, content, group: content.operation.queue?.group }
}

/** What a consumer of a newer event reads too. */
function olderContents(content: MessageContent): readonly MessageContent[] {
  return content.kind === 'event' ? olderEvents(content.event).map(({ event }) => eventContent(event)) : []
}

interface Received {
  readonly service: string
  readonly topic: string
  readonly group: string
}

function receivedBy(service: DescribedService): readonly Received[] {
  const { operations, consumers } = service.describe()
  const commands = operations.flatMap(({ command }) => (command === undefined ? [] : [command]))
  const events = consumers.flatMap(({ topic, olderTopics = [], group }) =>
    [topic, ...olderTopics].map((one) => ({ topic: one, group })),
  )
  return [...commands, ...events].map(({ topic, group }) => ({ service: service.name, topic, group }))
}

function isAnyContract(part: unknown): part is AnyContract {
  return isContract(part)
}

function isEvent(part: unknown): part is EventType {
  return isRecord(part) && !isContract(part) && typeof part['topic'] === 'string' && 'payloadJsonSchema' in part
}

function isService(part: unknown): part is DescribedService {
  return isRecord(part) && !isContract(part) && typeof part['describe'] === 'function'
}

function noPart(part: unknown): SetupProblem {
  return malformed(`expected contracts, events and services, found ${toFound(part)}`)
}

function findShared(contents: readonly MessageContent[]): readonly SetupProblem[] {
  const shared = [...Map.groupBy(contents, topicOf)].filter(([, group]) => group.length > 1)
  return shared.map(([topic]) =>
    malformed(`topic ${topic} is that of several events or commands; leave all but one out`),
  )
}

function notGiven({ service, topic }: Received): SetupProblem {
  return malformed(
    `service ${service} consumes ${topic}, whose event or contract is not there; give it beside the service`,
  )
}

function notSent(given: unknown): SetupProblem {
  return malformed(`sends must name events and operations that are among the parts, found ${toFound(given)}`)
}

function malformed(text: string): SetupProblem {
  return { code: 'config.malformed', message: `asyncapi(): ${text}` }
}
