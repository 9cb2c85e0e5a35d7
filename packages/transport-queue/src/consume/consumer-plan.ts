import {
  type Arrival,
  ContractError,
  type Outcome,
  type SetupProblem,
  type TransportHost,
  WiringError,
} from '@tenon/core/transport'
import { deadLetterTopic } from '../dead-letter/dead-letter.ts'

/** The one handler of a topic in a group. */
export interface TopicConsumer {
  readonly topic: string
  readonly group: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  /** Never rejects. */
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
 * @throws WiringError `wiring.consumer_conflict` when two handlers share topic and group.
 * @throws ContractError `contract.name` for a group that cannot be part of a topic's name.
 */
export function planConsumers(host: TransportHost): readonly GroupPlan[] {
  const all = [...commandConsumers(host), ...eventConsumers(host)]
  const badNames = all.flatMap(checkNames)
  if (badNames.length > 0) throw new ContractError(badNames)
  const conflicts = [...Map.groupBy(all, ({ topic, group }) => `${group} ${topic}`).values()].flatMap(checkSingle)
  if (conflicts.length > 0) throw new WiringError(conflicts)
  return Array.from(
    Map.groupBy(all, ({ group }) => group),
    ([group, consumers]) => ({
      group,
      consumers: new Map(consumers.map((consumer) => [consumer.topic, consumer])),
    }),
  )
}

function commandConsumers({ operations, service }: TransportHost): readonly TopicConsumer[] {
  return operations.flatMap((endpoint) => {
    const { id, queue } = endpoint.operation
    if (queue === undefined) return []
    const { topic, group = service.name } = queue
    return [{ topic, group, handler: id, dispatch: (arrival) => endpoint.dispatch(arrival) }]
  })
}

function eventConsumers({ events }: TransportHost): readonly TopicConsumer[] {
  return events.map((endpoint) => {
    const { topic } = endpoint.event
    const { group } = endpoint
    return { topic, group, handler: `consume ${topic}`, dispatch: (arrival) => endpoint.dispatch(arrival) }
  })
}

/** @see Kafka's rule for topic names: letters, digits, ".", "_", "-", at most 249 of them */
const topicForm = /^[a-zA-Z0-9._-]{1,249}$/

function checkNames({ topic, group, handler }: TopicConsumer): readonly SetupProblem[] {
  if (topicForm.test(deadLetterTopic(topic, group))) return []
  const message = `${handler}: expected a consumer group of letters, digits, ".", "_" and "-" that is short enough for the dead-letter topic "${deadLetterTopic(topic, group)}", found "${group}"`
  return [{ code: 'contract.name', message }]
}

function checkSingle(consumers: readonly TopicConsumer[]): readonly SetupProblem[] {
  const [first, ...others] = consumers
  if (first === undefined || others.length === 0) return []
  const names = consumers.map(({ handler }) => handler).join(', ')
  const message = `${names}: only one handler of group "${first.group}" can consume topic ${first.topic}; give the others a group of their own`
  return [{ code: 'wiring.consumer_conflict', message }]
}
