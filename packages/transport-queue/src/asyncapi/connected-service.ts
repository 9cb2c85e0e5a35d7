import { TopicSelection } from '../topic-selection.ts'
import type { DescribedService } from './exchange.ts'

/** A service with what goes over its connections to brokers. */
export interface ConnectedService {
  readonly name: string
  readonly version: string
  readonly connections: readonly Connection[]
  /** What its consumers and commands receive, as far as a connection carries it. */
  readonly receives: readonly Received[]
  /** Names of the metadata that its messages inherit. */
  readonly forwardedMetadata: readonly string[]
}

export interface Received {
  readonly service: string
  readonly topic: string
  /** Undefined for a broadcast. */
  readonly group: string | undefined
  /** Their names. */
  readonly connections: readonly string[]
}

interface Connection {
  readonly name: string
  readonly topics: TopicSelection
}

/** Asks a service what it is made of; does not start it. */
export function connect(service: DescribedService): ConnectedService {
  const { operations, consumers, transports, security } = service.describe()
  const { name, version } = service
  const connections = transports
    .filter(({ carriesEvents }) => carriesEvents)
    .map((one): Connection => ({ name: one.name, topics: new TopicSelection(one.topics) }))
  const commands = operations.flatMap(({ command }) => (command === undefined ? [] : [command]))
  const events = consumers.flatMap(({ topic, olderTopics = [], group }) =>
    [topic, ...olderTopics].map((one) => ({ topic: one, group })),
  )
  const receives = [...commands, ...events]
    .map(({ topic, group }) => ({ service: name, topic, group, connections: connectionsOf({ connections }, topic) }))
    .filter((received) => received.connections.length > 0)
  return { name, version, connections, receives, forwardedMetadata: security.forwardedMetadata }
}

/** Names of the connections that carry a topic. */
export function connectionsOf(
  { connections }: Pick<ConnectedService, 'connections'>,
  topic: string,
): readonly string[] {
  return connections.filter(({ topics }) => topics.has(topic)).map(({ name }) => name)
}
