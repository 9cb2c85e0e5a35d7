import { createRegistry, type DescMessage, type Registry } from '@bufbuild/protobuf'
import { type EventSpec, type EventType, event } from '@tenon/core/contract'
import { messageBinding } from '../service/message-binding.ts'
import { filesOf } from './build-contract.ts'
import { createCommentary, toRemarks } from './comment.ts'
import { compileMessageCodec } from './message-codec.ts'
import { toMessageSchema } from './message-schema.ts'
import type { ProtoInput, ProtoSchema } from './proto-value.ts'
import type { Int64Form } from './scalar-schema.ts'

/** What a `.proto` file cannot say of an event. */
export interface ProtoEventOptions<Field extends string = string> extends Omit<EventSpec, 'key' | 'payload' | 'proto'> {
  /** The text field of the message whose value keys it. */
  readonly key: Field
  /** @defaultValue 'protobuf' */
  readonly format?: string
  /** How publishers and consumers see 64-bit integers, as in a contract. @defaultValue 'bigint' */
  readonly int64?: Int64Form
  /** Messages that a `google.protobuf.Any` may hold beside those of the message's file and its imports. */
  readonly types?: Registry
}

type FormOf<Options> = Options extends { readonly int64: infer Form extends Int64Form } ? Form : 'bigint'

/**
 * The event whose payload is a message that protoc-gen-es has generated with `json_types=true`. Its values are those of
 * `protoContract()`, its messages those of the file, on which nothing else has to agree than its numbers.
 *
 * @param topic As that of `event()`; the message may have any name.
 * @throws ContractError `contract.name`, `contract.queue` for a key that is no text field, `contract.schema` for a message that is not
 * one object or has a field that no JavaScript object can have, `contract.setting`; all problems at once.
 * @see Protocol Buffers, ProtoJSON format
 */
export function protoEvent<
  const Desc extends DescMessage,
  const Options extends ProtoEventOptions<keyof ProtoInput<Desc> & string>,
>(
  topic: string,
  message: Desc,
  options: Options,
): EventType<{ readonly key: string; readonly payload: ProtoSchema<Desc, FormOf<Options>> }>
export function protoEvent(topic: string, message: DescMessage, options: ProtoEventOptions): EventType {
  const { int64 = 'bigint', types, format = 'protobuf', ...spec } = options
  const files = filesOf(message.file)
  const registry = types ? createRegistry(...files, types) : createRegistry(...files)
  const commentary = createCommentary()
  const payload = toMessageSchema(message, { int64, registry, commentary })
  let codec: ReturnType<typeof compileMessageCodec> | undefined
  const proto = messageBinding({
    fullName: message.typeName,
    codec: () => (codec ??= compileMessageCodec(message, { int64, registry })),
  })
  const remarks = { ...toRemarks(commentary.of(message)), ...(message.deprecated ? { deprecated: true } : {}) }
  // Its parameters are checked against the message's type instead, above.
  const declare = event as unknown as (name: string, given: EventSpec) => EventType
  return declare(topic, { ...remarks, ...spec, payload, format, proto })
}
