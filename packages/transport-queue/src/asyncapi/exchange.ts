import { type AnyContract, contractInfo, type EventType, isContract, olderEvents } from '@tenon/core/contract'
import type { Service } from '@tenon/core'
import { ConfigError, isRecord, type MessageContent, type SetupProblem, toFound } from '@tenon/core/transport'
import { commandContent, eventContent } from '../format/payload-formats.ts'
import { type ConnectedService, connect, connectionsOf } from './connected-service.ts'
import { compareTexts } from './named.ts'

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
  /** Names of the connections over which they go, sorted; none where no service says so. */
  readonly connections: readonly string[]
}

/** Contracts and events, and the services that deal with them. */
export interface SortedParts {
  readonly contents: readonly MessageContent[]
  readonly contracts: readonly string[]
  readonly services: readonly ConnectedService[]
}

/** @throws ConfigError `config.malformed` for what is none of these, and for two different messages on one topic. */
export function sortParts(parts: readonly unknown[]): SortedParts {
  const contracts = parts.filter(isContract).map((one) => contractInfo(one))
  const events = parts.filter(isEvent)
  const services = parts.filter(isService)
  const strays = parts.filter((part) => !isContract(part) && !isEvent(part) && !isService(part))
  const commands = contracts.flatMap(({ operations }) => operations.filter(({ queue }) => queue !== undefined))
  const contents = [...new Set(commands)].map(commandContent).concat([...new Set(events)].map(eventContent))
  const problems = [...strays.map(noPart), ...findShared(contents)]
  if (problems.length > 0) throw new ConfigError(problems)
  return { contents, contracts: contracts.map(({ name }) => name), services: [...new Set(services)].map(connect) }
}

/**
 * The ways of all messages. Services receive what they handle and send the rest of what is given, and what is among `sends`, as far as
 * their connections carry it; without a service a command is received and an event sent.
 *
 * @throws ConfigError `config.malformed` for topics that a service consumes and nobody described, and for what is sent and not given.
 */
export function exchangesOf({ contents, services }: SortedParts, sends: readonly unknown[]): readonly Exchange[] {
  const strays = sends.filter((one) => !contents.some((content) => subjectOf(content) === one))
  if (strays.length > 0) throw new ConfigError(strays.map(notSent))
  if (services.length === 0) return contents.map(alone)
  const known = new Map([...contents.flatMap(olderContents), ...contents].map((one) => [topicOf(one), one] as const))
  const received = services.flatMap(({ receives }) => receives)
  const missing = received.filter(({ topic }) => !known.has(topic)).map(notGiven)
  if (missing.length > 0) throw new ConfigError(missing)
  const taken = new Set(received.map(({ topic }) => topic))
  return merge([
    ...received.flatMap(({ topic, group, connections }): readonly Exchange[] => {
      const content = known.get(topic)
      return content === undefined ? [] : [{ action: 'receive', topic, content, group, connections }]
    }),
    ...contents
      .filter((content) => !taken.has(topicOf(content)) || sends.includes(subjectOf(content)))
      .flatMap((content) => services.map((service) => sentBy(service, content)))
      .filter(({ connections }) => connections.length > 0),
  ])
}

export function topicOf(content: MessageContent): string {
  return content.kind === 'event' ? content.event.topic : (content.operation.queue?.topic ?? '')
}

function subjectOf(content: MessageContent): unknown {
  return content.kind === 'event' ? content.event : content.operation
}

function alone(content: MessageContent): Exchange {
  const common = { topic: topicOf(content), content, connections: [] }
  if (content.kind === 'event') return { ...common, action: 'send', group: undefined }
  return { ...common, action: 'receive', group: content.operation.queue?.group }
}

/** What a consumer of a newer event reads too. */
function olderContents(content: MessageContent): readonly MessageContent[] {
  return content.kind === 'event' ? olderEvents(content.event).map(({ event }) => eventContent(event)) : []
}

function sentBy(service: ConnectedService, content: MessageContent): Exchange {
  const topic = topicOf(content)
  return { action: 'send', topic, content, group: undefined, connections: connectionsOf(service, topic) }
}

/** Services of one group are one receiver, and all that send a message one sender. */
function merge(exchanges: readonly Exchange[]): readonly Exchange[] {
  const groups = Map.groupBy(exchanges, ({ action, topic, group = '' }) => `${action} ${topic} ${group}`)
  return [...groups.values()].flatMap((same) => {
    const connections = [...new Set(same.flatMap((one) => one.connections))].toSorted(compareTexts)
    return same.slice(0, 1).map((first) => ({ ...first, connections }))
  })
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

function notGiven({ service, topic }: ConnectedService['receives'][number]): SetupProblem {
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
