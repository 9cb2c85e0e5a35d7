import type { JsonSchema } from '@tenon/core/contract'
import { deadLetterTopic } from '../dead-letter/dead-letter.ts'
import { factsOf, kafkaBinding, messageKey, toTags } from './describe-message.ts'
import type { AsyncApiOperation } from './document.ts'
import type { Exchange } from './exchange.ts'
import type { Named } from './named.ts'

/** What those who are described do with all messages, and with those that they cannot handle. */
export function describeOperations(exchanges: readonly Exchange[]): readonly Named<AsyncApiOperation>[] {
  const received = exchanges.filter(({ action }) => action === 'receive')
  const receivers = Map.groupBy(received, ({ topic }) => topic)
  return exchanges.flatMap((exchange) => {
    const id = idOf(exchange, receivers.get(exchange.topic)?.length ?? 0)
    return describeExchange(exchange, id)
  })
}

function describeExchange(exchange: Exchange, id: string): readonly Named<AsyncApiOperation>[] {
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
  if (group === undefined) return [[id, operation]]
  const letters = deadLetterTopic(topic, group)
  const burial = { ...placeOf('send', letters), summary: `Puts aside what the group ${group} could not handle.` }
  return [
    [id, operation],
    [`send_${letters}`, burial],
  ]
}

/** As OpenAPI has it for an operation that is received; with the group where several receive the command. */
function idOf({ action, topic, content, group }: Exchange, receiverCount: number): string {
  const isCommand = content.kind === 'command'
  const name = isCommand ? `${content.operation.contract}_${content.operation.name}` : topic
  if (isCommand && action === 'receive' && receiverCount < 2) return name
  const start = isCommand && action === 'receive' ? name : `${action}_${name}`
  // No topic has two of them in a row.
  return group === undefined ? start : `${start}__${group}`
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
