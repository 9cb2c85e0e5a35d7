import { ContractError } from '../error/setup-error.ts'
import { readJsonSchema, requireTextField, requireTopic } from './check-spec.ts'
import type { JsonSchema, Schema, ValueOf, WireOf } from '../schema/schema.ts'

export interface EventSpec {
  /** The text field of the payload whose value keys the message; messages of one key keep their order. */
  readonly key: string
  readonly payload: Schema
  /** One sentence for generated documents. */
  readonly summary?: string
}

/** Something that happened, published on the topic of the same name: frozen data, made by `event()`. */
export interface EventType<Spec extends EventSpec = EventSpec> {
  readonly spec: Spec
  /** The event's name, which is its topic and its CloudEvents type: `shop.order.placed.v1`. */
  readonly topic: string
  readonly key: string
  readonly payloadSchema: Schema
  readonly payloadJsonSchema: JsonSchema
  readonly summary: string | undefined
}

/** The payload a consumer receives. */
export type Payload<Event extends EventType> = ValueOf<Event['spec']['payload']>

/** The payload a publisher sends. */
export type PayloadToSend<Event extends EventType> = WireOf<Event['spec']['payload']>

type CheckKey<Spec extends EventSpec> = Spec['key'] extends keyof WireOf<Spec['payload']>
  ? unknown
  : { readonly key: { readonly 'the key must be a field of the payload': keyof WireOf<Spec['payload']> & string } }

/**
 * Declares an event.
 *
 * @param topic Lower-case words joined by dots that end in the version: `shop.order.placed.v1`.
 * @throws ContractError `contract.name`, `contract.schema`, `contract.queue`
 */
export function event<const Spec extends EventSpec>(topic: string, spec: Spec & CheckKey<Spec>): EventType<Spec> {
  const where = `event ${topic}`
  const problems = [...requireTopic(where, topic)]
  const payload = readJsonSchema(`${where}: payload`, spec.payload)
  if (payload.problem) problems.push(payload.problem)
  else problems.push(...requireTextField(where, spec.key, payload.jsonSchema))
  if (problems.length > 0) throw new ContractError(problems)
  return Object.freeze({
    spec,
    topic,
    key: spec.key,
    payloadSchema: spec.payload,
    payloadJsonSchema: payload.jsonSchema,
    summary: spec.summary,
  })
}
