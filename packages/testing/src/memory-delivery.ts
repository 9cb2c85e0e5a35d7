import { randomUUID } from 'node:crypto'
import type { EventType, JsonSchema, Operation } from '@tenon/core/contract'
import {
  type Arrival,
  compileJsonWriter,
  type Outcome,
  ServiceError,
  toServiceError,
  unlessAborted,
} from '@tenon/core/transport'

export interface MessageOptions {
  /** Message headers; keys are made lower case. The CloudEvents headers that a publisher sets are there unless given here. */
  readonly headers?: Readonly<Record<string, string>>
  /** 1 for the first delivery; higher as if the message came again. @defaultValue 1 */
  readonly attempt?: number
  /** Which consumer group gets it. @defaultValue the only one there is */
  readonly group?: string
  /** Whether the broadcasts get it, which have no group: all of them, as in every process. @defaultValue as `group` says, or whoever are the only ones */
  readonly broadcast?: boolean
  /** How long the message has use, in milliseconds. @defaultValue the operation's own limit alone */
  readonly timeoutMs?: number
  /** Ends the delivery as `cancelled`, as when the consumer loses its partition. */
  readonly signal?: AbortSignal
}

/** What the delivery of a message came to; of one that went to several broadcasts what the first failed with, if one did. */
export type Delivery = DeliverySuccess | DeliveryFailure

export interface DeliverySuccess {
  readonly ok: true
  /** Undefined for a broadcast. */
  readonly group: string | undefined
}

export interface DeliveryFailure {
  readonly ok: false
  readonly group: string | undefined
  /** Its code decides what a queue does with the message: handle it again, or make it a dead letter. */
  readonly error: ServiceError
}

/** Whatever takes messages: the consumer of an event, or an operation as a command. */
export type MessageEndpoint = ({ readonly event: EventType } | { readonly operation: Operation }) & {
  readonly group: string | undefined
  dispatch(arrival: Arrival): Promise<Outcome>
}

/**
 * Delivers a message once to a command's handler, as a queue does: the payload as JSON, its source trusted, a streamed output dropped.
 *
 * @throws TypeError when it is not clear whose the message is.
 */
export async function deliver(
  endpoints: readonly MessageEndpoint[],
  payload: unknown,
  options: MessageOptions,
): Promise<Delivery> {
  return first(await Promise.all(choose(endpoints, options).map((one) => deliverTo(one, payload, options))))
}

/** Delivers a message once to one of those who take it. */
export async function deliverTo(
  endpoint: MessageEndpoint,
  payload: unknown,
  options: MessageOptions,
): Promise<Delivery> {
  const { group } = endpoint
  const { signal } = options
  const work = runToEnd(endpoint, toArrival(endpoint, payload, options))
  const ended = signal ? await unlessAborted(work, signal) : await work
  const error = ended === undefined ? new ServiceError('cancelled', 'the delivery was given up') : ended.error
  return error ? { ok: false, group, error } : { ok: true, group }
}

/** What a message came to that went to several broadcasts: what the first failed with, if one did. */
export function first(deliveries: readonly Delivery[]): Delivery {
  return deliveries.find(({ ok }) => !ok) ?? { ok: true, group: deliveries[0]?.group }
}

/** Who gets the message: one group, or all broadcasts, as each of them does in every process. @throws TypeError when that is not clear */
export function choose<Endpoint extends MessageEndpoint>(
  endpoints: readonly Endpoint[],
  { group, broadcast }: Pick<MessageOptions, 'group' | 'broadcast'>,
): readonly Endpoint[] {
  const named = group === undefined ? endpoints : endpoints.filter((one) => one.group === group)
  const meant = broadcast === undefined ? named : named.filter((one) => (one.group === undefined) === broadcast)
  const areBroadcasts = meant.every((one) => one.group === undefined)
  if (meant.length === 1 || (meant.length > 1 && areBroadcasts)) return meant
  const groups = endpoints.map((one) => one.group ?? 'a broadcast').join(', ')
  const given = [
    ...(group === undefined ? [] : [JSON.stringify(group)]),
    ...(broadcast === undefined ? [] : [`broadcast: ${broadcast}`]),
  ]
  const found = given.length === 0 ? 'none' : given.join(' with ')
  throw new TypeError(
    `group: expected one of the groups that take the message (${groups}), or broadcast: true for the broadcasts among them, found ${found}`,
  )
}

/** A message as it comes out of a queue. */
export function toArrival(endpoint: MessageEndpoint, payload: unknown, options: MessageOptions): Arrival {
  const { attempt = 1, timeoutMs, signal, headers = {} } = options
  const { topic, jsonSchema } = factsOf(endpoint)
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  const text: unknown = compileJsonWriter(jsonSchema)(payload)
  return {
    transport: 'queue',
    isTrusted: true,
    metadata: { ...cloudEvent(topic), ...Object.fromEntries(own) },
    attempt,
    timeoutMs,
    signal,
    decode: () => {
      if (typeof text !== 'string') throw new ServiceError('invalid_argument', 'the message has no value')
      return JSON.parse(text)
    },
  }
}

function factsOf(endpoint: MessageEndpoint): { readonly topic: string; readonly jsonSchema: JsonSchema } {
  if ('event' in endpoint) return { topic: endpoint.event.topic, jsonSchema: endpoint.event.payloadJsonSchema }
  const { queue, inputJsonSchema } = endpoint.operation
  return { topic: queue?.topic ?? endpoint.operation.id, jsonSchema: inputJsonSchema }
}

/** @see CloudEvents Kafka protocol binding 1.0, binary content mode */
function cloudEvent(topic: string): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: randomUUID(),
    ce_source: 'test',
    ce_type: topic,
    ce_time: new Date().toISOString(),
  }
}

async function runToEnd(endpoint: MessageEndpoint, arrival: Arrival): Promise<{ readonly error?: ServiceError }> {
  const outcome = await endpoint.dispatch(arrival)
  if (!outcome.ok) return { error: outcome.error }
  try {
    if (isItems(outcome.value)) for await (const _item of outcome.value);
    return {}
  } catch (thrown) {
    return { error: toServiceError(thrown) }
  }
}

function isItems(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
