import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { bytesRangeOf, int64RangeOf, type JsonSchema } from '@tenon/core/contract'
import { describe } from './message-descriptor.ts'
import { entryOf, fieldsOf, formOf, inlined, isRecord, itemsOf, mapped, shapeOf, textsOf } from './message-shape.ts'

/**
 * The message of a caller who has an old or a wrong contract: the fields in the order of the schema, so with the same numbers and
 * types on the wire, but none of them needed and nothing limited; and those the schema does not have, behind the others. Made
 * from the schema anew, by the rules of docs/design.md and with the messages of another library, so that a change of the
 * transport's own codec shows.
 */
export function encodeMessage(given: JsonSchema, value: unknown): Buffer {
  const schema = inlined(given)
  const message = describe(shapeOf(schema, value))
  return Buffer.from(toBinary(message, fromJson(message, toProto(schema, value))))
}

/** Reads messages of a schema as JSON data. */
export function compileReader(given: JsonSchema): (bytes: Uint8Array) => unknown {
  const schema = inlined(given)
  const message = describe(shapeOf(schema, undefined))
  return (bytes) => fromProto(schema, toJson(message, fromBinary(message, bytes), { alwaysEmitImplicit: true }))
}

/** JSON data as protobuf's own JSON has it, with fields by their numbers. */
function toProto(schema: JsonSchema, value: unknown): JsonValue {
  const form = formOf(schema, value)
  if (form === 'enum') return numberOf(textsOf(schema) ?? [], value)
  if (form === 'int64') return String(typeof value === 'number' ? BigInt(value) : value)
  if (form === 'bytes' && !bytesRangeOf(schema)) return wtf8(String(value)).toString('base64')
  if (form === 'list') return Array.isArray(value) ? value.map((item) => toProto(itemsOf(schema), item)) : []
  if (!isRecord(value)) return value as JsonValue
  if (form === 'record') return mapped(value, (one) => toProto(entryOf(schema) ?? {}, one))
  const given = fieldsOf(schema, value).map(([name, field], index) => {
    const one = value[name]
    return one === undefined ? [] : [[`f${index + 1}`, toProto(field, one)] as const]
  })
  return Object.fromEntries(given.flat())
}

function fromProto(schema: JsonSchema, value: JsonValue): unknown {
  const form = formOf(schema, undefined)
  if (form === 'enum') return textsOf(schema)?.[Number(value) - 1] ?? value
  if (form === 'int64') return int64RangeOf(schema) ? value : Number(value)
  if (form === 'list') return (value as readonly JsonValue[]).map((item) => fromProto(itemsOf(schema), item))
  if (form === 'record') return mapped(value as object, (one) => fromProto(entryOf(schema) ?? {}, one as JsonValue))
  if (form !== 'message') return value
  const found = value as Readonly<Record<string, JsonValue>>
  const given = fieldsOf(schema, {}).map(([name, field], index) => {
    const one = found[`f${index + 1}`]
    return one === undefined ? [] : [[name, fromProto(field, one)] as const]
  })
  return Object.fromEntries(given.flat())
}

/** Value 0 stands for no text; what the schema does not have gets a number that it does not have. */
function numberOf(texts: readonly string[], value: unknown): number {
  const index = texts.indexOf(String(value))
  return index < 0 ? texts.length + 1 : index + 1
}

/** UTF-8 in which half of a surrogate pair is written as if it were a character. @see the WTF-8 encoding */
function wtf8(text: string): Buffer {
  const parts = text.split(/([\uD800-\uDFFF])/u).map((part) => {
    const unit = part.charCodeAt(0)
    if (part.isWellFormed()) return Buffer.from(part)
    return Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)])
  })
  return Buffer.concat(parts)
}
