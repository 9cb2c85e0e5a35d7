import {
  type Arrival,
  type BatchEndpoint,
  ConfigError,
  type ConsumerStart,
  ContractError,
  type EventEndpoint,
  optionCheck,
  type Outcome,
  type SetupProblem,
  type TransportHost,
  WiringError,
} from '@tenon/core/transport'
import { deadLetterTopic } from '../../dead-letter/dead-letter.ts'
import { commandContent, eventContent, type MessageFormat } from '../../format/payload-formats.ts'
import type { QueueSettings } from '../../queue-options.ts'
import { checkHalt, contraryWait } from '../../retry-options.ts'
import { retryTopic } from '../retry/write/parked-message.ts'
import { type ConsumerSettings, resolveConsumer } from './consumer-settings.ts'

/** A handler of a topic. */
export interface TopicConsumer {
  readonly topic: string
  /** Undefined for a broadcast. */
  readonly group: string | undefined
  /** Where reading begins that has no place yet. @defaultValue `earliest` in a group, `latest` for a broadcast */
  readonly start?: ConsumerStart | undefined
  /** The operation's id, or `consume <topic>` with the topic of the event that was declared, also where this is that of an older one. */
  readonly handler: string
  /** How its messages are read. */
  readonly format: MessageFormat
  /** How they are delivered. */
  readonly settings: ConsumerSettings
  /** How its handler gets several at once, if it does. */
  readonly batch?: BatchEndpoint | undefined
  /** Never rejects. What comes of it is dropped; it is no stream, for a command cannot have one. */
  dispatch(arrival: Arrival): Promise<Outcome>
}

/** The one handler of a topic in a group. */
export interface GroupedConsumer extends TopicConsumer {
  readonly group: string
}

/** A consumer group of this service, with the handler of each of its topics. */
export interface GroupPlan {
  readonly group: string
  readonly consumers: ReadonlyMap<string, GroupedConsumer>
}

/** A handler that gets every message in each process, with the topics of its event and of older ones. */
export interface BroadcastPlan {
  readonly group: undefined
  readonly consumers: ReadonlyMap<string, TopicConsumer>
}

export type ConsumerPlan = GroupPlan | BroadcastPlan

/**
 * The groups and broadcasts that a service's endpoints make up.
 *
 * @throws WiringError `wiring.unreachable` for an event or command in a format that is not among these; what the format throws.
 * @throws WiringError `wiring.consumer_conflict` when two handlers share topic and group.
 * @throws ConfigError `config.out_of_range` when `stallAfterMs` is given and one of them may take as long for a message, and when the first
 * wait that one of them says exceeds the longest that the transport was given, or the other way
 * around; and for batches that could never be full.
 * @throws ConfigError `config.malformed` when one of them, with what its transport says, is to halt keys without an order.
 * @throws ContractError `contract.name` for a group that cannot be part of a topic's name.
 */
export function planConsumers(host: TransportHost, settings: QueueSettings): readonly ConsumerPlan[] {
  const broadcasts = broadcastPlans(host, settings)
  const grouped = [...commandConsumers(host, settings), ...eventConsumers(host, settings)]
  const badNames = grouped.flatMap(checkNames)
  if (badNames.length > 0) throw new ContractError(badNames)
  const conflicts = [...Map.groupBy(grouped, ({ topic, group }) => `${group} ${topic}`).values()].flatMap(checkSingle)
  if (conflicts.length > 0) throw new WiringError(conflicts)
  const all = [...grouped, ...broadcasts.flatMap(({ consumers }) => [...consumers.values()])]
  const own = all.flatMap((consumer) => [
    ...checkStall(consumer, settings),
    ...checkBatch(consumer, settings),
    ...checkOrder(consumer),
  ])
  const wrong = [...checkWaits(host, settings), ...own]
  if (wrong.length > 0) throw new ConfigError(wrong)
  const groups = Map.groupBy(grouped, ({ group }) => group)
  return [...Array.from(groups, ([group, consumers]) => ({ group, consumers: byTopic(consumers) })), ...broadcasts]
}

function byTopic<Consumer extends TopicConsumer>(consumers: readonly Consumer[]): ReadonlyMap<string, Consumer> {
  return new Map(consumers.map((consumer) => [consumer.topic, consumer]))
}

function commandConsumers({ operations, service }: TransportHost, queue: QueueSettings): readonly GroupedConsumer[] {
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

function eventConsumers({ events }: TransportHost, queue: QueueSettings): readonly GroupedConsumer[] {
  return events.flatMap((endpoint) => {
    const { group } = endpoint
    return group === undefined ? [] : [{ ...eventConsumer(endpoint, queue), group }]
  })
}

/** One for each handler of a broadcast: its endpoints follow one another, as many as this transport carries of its event and the older ones. */
function broadcastPlans({ events }: TransportHost, queue: QueueSettings): readonly BroadcastPlan[] {
  const handlers: EventEndpoint[][] = []
  for (const endpoint of events.filter(({ group }) => group === undefined)) {
    const last = handlers.at(-1)
    if (last?.every((other) => areOfOneHandler(other, endpoint))) last.push(endpoint)
    else handlers.push([endpoint])
  }
  return handlers.map((endpoints) => ({
    group: undefined,
    consumers: byTopic(endpoints.map((endpoint) => eventConsumer(endpoint, queue))),
  }))
}

/** Whether neighbours may be: no handler has a topic twice. */
function areOfOneHandler(one: EventEndpoint, other: EventEndpoint): boolean {
  return (one.into ?? one.event) === (other.into ?? other.event) && one.event.topic !== other.event.topic
}

function eventConsumer(endpoint: EventEndpoint, queue: QueueSettings): TopicConsumer {
  const { event, into = event, group, start, delivery, batch } = endpoint
  const format = queue.formats.compile(eventContent(event))
  const settings = resolveConsumer(delivery, queue, batch)
  const dispatch = (arrival: Arrival) => endpoint.dispatch(arrival)
  return { topic: event.topic, group, start, handler: `consume ${into.topic}`, format, settings, batch, dispatch }
}

/** @see Kafka's rule for topic names: letters, digits, ".", "_", "-", at most 249 of them */
const topicForm = /^[a-zA-Z0-9._-]{1,249}$/

function checkNames({ topic, group, handler }: GroupedConsumer): readonly SetupProblem[] {
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

function checkSingle(consumers: readonly GroupedConsumer[]): readonly SetupProblem[] {
  const [first, ...others] = consumers
  if (first === undefined || others.length === 0) return []
  const names = consumers.map(({ handler }) => handler).join(', ')
  const message = `${names}: only one handler of group "${first.group}" can consume topic ${first.topic}; give the others a group of their own`
  return [{ code: 'wiring.consumer_conflict', message }]
}

/** What a consumer and its transport say must fit, where each says one of the two waits. */
function checkWaits(
  { operations, events }: TransportHost,
  { name, givenRetry }: QueueSettings,
): readonly SetupProblem[] {
  const given = [
    ...operations.flatMap(({ operation, delivery }) => (operation.queue ? [{ handler: operation.id, delivery }] : [])),
    ...events.map(({ event, into = event, delivery }) => ({ handler: `consume ${into.topic}`, delivery })),
  ]
  const words = given.flatMap(({ handler, delivery }) => {
    const text = contraryWait(delivery?.retry, givenRetry)
    return text === undefined ? [] : [`${handler} on transport ${name}: ${text}`]
  })
  return [...new Set(words)].map((message) => ({ code: 'config.out_of_range', message }))
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

/** A batch must be able to hold what it may: a partition gives out no more than may be uncommitted, and in its whole order one. */
function checkBatch(
  { handler, batch, settings }: TopicConsumer,
  { name, maxUncommittedCount }: QueueSettings,
): readonly SetupProblem[] {
  if (batch === undefined) return []
  const { maxCount } = batch
  const problems: string[] = []
  if (maxCount > maxUncommittedCount)
    problems.push(
      `maxUncommittedCount of transport ${name}, ${maxUncommittedCount}, must not be below batch.maxCount of ${handler}, ${maxCount}: no batch of one partition could be full`,
    )
  if (maxCount > 1 && settings.retry.order === 'partition')
    problems.push(
      `retry.order of ${handler} must be key or none for batches, found partition, which hands out one message of a partition at a time`,
    )
  return problems.map((problem) => ({ code: 'config.out_of_range', message: `queueTransport: ${problem}` }))
}

function checkOrder({ handler, settings }: TopicConsumer): readonly SetupProblem[] {
  return checkHalt(`retry of ${handler}`, settings.retry, optionCheck('queueTransport'))
}
