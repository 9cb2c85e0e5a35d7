import { ContractError } from '../error/setup-error.ts'
import { checkFormat } from './check-settings.ts'
import { readJsonSchema, requireTextField, requireTopic } from './check-spec.ts'
import { checkUpcasts, type Upcast } from './event-upcast.ts'
import type { JsonSchema, Schema, ValueOf, WireOf } from '../schema/schema.ts'

export interface EventSpec {
  /** The text field of the payload whose value keys the message; messages of one key keep their order. */
  readonly key: string
  readonly payload: Schema
  /**
   * The older events whose topics its consumers read too, each with how its payload becomes one of this event. What those name in
   * turn is read as well.
   *
   * @defaultValue none
   */
  readonly upcasts?: readonly Upcast[]
  /**
   * How its messages are written: the name of a format that the queue transports of publishers and consumers have.
   *
   * @defaultValue 'json'
   * @throws ContractError `contract.setting` for what is no name
   */
  readonly format?: string
  /**
   * What fixes its form in protobuf: the file that keeps its field numbers, as that of a contract, or, for an event that was made from
   * `.proto` files, its message. Read by the format `protobuf` alone.
   */
  readonly proto?: URL | object
  /** One sentence for generated documents. */
  readonly summary?: string
  /** Longer text for generated documents, in CommonMark. */
  readonly description?: string
  /** Groups of generated documents that the event stands in. @defaultValue none */
  readonly tags?: readonly string[]
  /** Whether consumers should go elsewhere, for generated documents. @defaultValue false */
  readonly deprecated?: boolean
}

/** Something that happened, published on the topic of the same name: frozen data, made by `event()`. */
export interface EventType<Spec extends EventSpec = EventSpec> {
  readonly spec: Spec
  /** The event's name, which is its topic and its CloudEvents type: `shop.order.placed.v1`. */
  readonly topic: string
  readonly key: string
  readonly payloadSchema: Schema
  readonly payloadJsonSchema: JsonSchema
  readonly upcasts: readonly Upcast[]
  /** `json` where it says nothing. */
  readonly format: string
  readonly proto: URL | object | undefined
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly tags: readonly string[]
  readonly deprecated: boolean
}

/** The payload a consumer receives. */
export type Payload<Event extends EventType> = ValueOf<Event['spec']['payload']>

/** The payload a publisher sends. */
export type PayloadToSend<Event extends EventType> = WireOf<Event['spec']['payload']>

type CheckKey<Spec extends EventSpec> = Spec['key'] extends keyof WireOf<Spec['payload']>
  ? unknown
  : { readonly key: { readonly 'the key must be a field of the payload': keyof WireOf<Spec['payload']> & string } }

/** What an upcast gives must be what a publisher would send. */
interface CheckUpcasts<Spec extends EventSpec> {
  readonly upcasts?: readonly Upcast<WireOf<Spec['payload']>>[]
}

/**
 * Declares an event.
 *
 * @param topic Lower-case words joined by dots that end in the version: `shop.order.placed.v1`.
 * @throws ContractError `contract.name`, `contract.schema`, `contract.queue`, `contract.setting`
 */
export function event<const Spec extends EventSpec>(
  topic: string,
  spec: Spec & CheckKey<Spec> & CheckUpcasts<Spec>,
): EventType<Spec> {
  const where = `event ${topic}`
  const problems = [
    ...requireTopic(where, topic),
    ...checkFormat(`${where}: format`, spec.format),
    ...checkUpcasts(where, topic, spec.upcasts),
  ]
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
    upcasts: Object.freeze([...(spec.upcasts ?? [])]),
    format: spec.format ?? 'json',
    proto: spec.proto,
    summary: spec.summary,
    description: spec.description,
    tags: Object.freeze([...(spec.tags ?? [])]),
    deprecated: spec.deprecated ?? false,
  })
}
