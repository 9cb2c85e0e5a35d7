import {
  type Arrival,
  ConfigError,
  ContractError,
  type Outcome,
  type SetupProblem,
  type TransportHost,
  WiringError,
} from '@tenon/core/transport'
import { deadLetterTopic } from '../../dead-letter/dead-letter.ts'
import { commandContent, eventContent, type MessageFormat } from '../../format/payload-formats.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { retryTopic } from '../retry/parked-message.ts'
import { type ConsumerSettings, resolveConsumer } from './consumer-settings.ts'

/** The one handler of a topic in a group. */
export interface TopicConsumer {
  readonly topic: string
  readonly group: string
  /** The operation's id, or `consume <topic>` with the topic of the event that was declared, also where this is that of an older one. */
  readonly handler: string
  /** How its messages are read. */
  readonly format: MessageFormat
  /** How they are delivered. */
  readonly settings: ConsumerSettings
  /** Never rejects. What comes of it is dropped; it is no stream, for a command cannot have one. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** A consumer group of this service, with the handler of each of its topics. */
export interface GroupPlan {
  readonly group: string
  readonly consumers: ReadonlyMap<string, TopicConsumer>
}

/**
 * The groups that a service's endpoints make up.
 *
 * @throws WiringError `wiring.unreachable` for an event or command in a format that is not among these; what the format throws.
 * @throws WiringError `wiring.consumer_conflict` when two handlers share topic and group.
 * @throws ConfigError `config.out_of_range` when `stallAfterMs` is given and one of them may take as long for a message.
 * @throws ContractError `contract.name` for a group that cannot be part of a topic's name.
 */
export function planConsumers(host: TransportHost, settings: QueueSettings): readonly GroupPlan[] {
  const all = [...commandConsumers(host, settings), ...eventConsumers(host, settings)]
  const badNames = all.flatMap(checkNames)
  if (badNames.length > 0) throw new ContractError(badNames)
  const conflicts = [...Map.groupBy(all, ({ topic, group }) => `${group} ${topic}`).values()].flatMap(checkSingle)
  if (conflicts.length > 0) throw new WiringError(conflicts)
  const tooSoon = all.flatMap((consumer) => checkStall(consumer, settings))
  if (tooSoon.length > 0) throw new ConfigError(tooSoon)
  return Array.from(
    Map.groupBy(all, ({ group }) => group),
    ([group, consumers]) => ({
      group,
      consumers: new Map(consumers.map((consumer) => [consumer.topic, consumer])),
    }),
  )
}

function commandConsumers({ operations, service }: TransportHost, queue: QueueSettings): readonly TopicConsumer[] {
  return operations.flatMap((endpoint) => {
    const { operation, delivery } = endpoint
    if (operation.queue === undefined) return []
    const { topic, group = service.name } = operation.queue
    const format = queue.formats.compile(commandContent(operation))
    const settings = resolveConsumer(delivery, queue)
    const dispatch = (arrival: Arrival) => endpoint.dispatch(arrival)
    return [{ topic, group, handler: operation.id, format, settings, dispatch }]
  })
}

function eventConsumers({ events }: TransportHost, queue: QueueSettings): readonly TopicConsumer[] {
  return events.map((endpoint) => {
    const { event, into = event, group, delivery } = endpoint
    const format = queue.formats.compile(eventContent(event))
    const settings = resolveConsumer(delivery, queue)
    const dispatch = (arrival: Arrival) => endpoint.dispatch(arrival)
    return { topic: event.topic, group, handler: `consume ${into.topic}`, format, settings, dispatch }
  })
}

/** @see Kafka's rule for topic names: letters, digits, ".", "_", "-", at most 249 of them */
const topicForm = /^[a-zA-Z0-9._-]{1,249}$/

function checkNames({ topic, group, handler }: TopicConsumer): readonly SetupProblem[] {
  const made = [
    ['dead-letter topic', deadLetterTopic(topic, group)],
    ['retry topic', retryTopic(topic, group)],
  ] as const
  const [bad] = made.filter(([, name]) => !topicForm.test(name))
  if (bad === undefined) return []
  const [what, name] = bad
  const message = `${handler}: expected a consumer group of letters, digits, ".", "_" and "-" that is short enough for the ${what} "${name}", found "${group}"`
  return [{ code: 'contract.name', message }]
}

function checkSingle(consumers: readonly TopicConsumer[]): readonly SetupProblem[] {
  const [first, ...others] = consumers
  if (first === undefined || others.length === 0) return []
  const names = consumers.map(({ handler }) => handler).join(', ')
  const message = `${names}: only one handler of group "${first.group}" can consume topic ${first.topic}; give the others a group of their own`
  return [{ code: 'wiring.consumer_conflict', message }]
}

/** A handler that takes the time it has must not pass for one that stands still. */
function checkStall(
  { handler, settings }: TopicConsumer,
  { name, stallAfterMs }: QueueSettings,
): readonly SetupProblem[] {
  const { maxHandlerMs } = settings
  if (stallAfterMs === undefined || stallAfterMs > maxHandlerMs) return []
  const message = `queueTransport: stallAfterMs of transport ${name}, ${stallAfterMs}, must exceed maxHandlerMs of ${handler}, ${maxHandlerMs}; leave it out for 60 s more than that`
  return [{ code: 'config.out_of_range', message }]
}
