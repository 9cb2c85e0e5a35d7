import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { TimestampSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { bytesRangeOf, type JsonSchema } from '@tenon/core/contract'
import { entryOf, isRecord, itemsOf, textsOf, type WireField, WireSchema } from './grpc-schema.ts'

/**
 * The message of a caller who has an old or a wrong contract: the fields in the order of the schema, so with the same numbers and
 * types on the wire, but none of them needed and nothing limited; and those the schema does not have, behind the others. Made
 * from the schema anew, so that a change of the transport's own codec shows.
 */
export function encodeMessage(schema: JsonSchema, value: unknown): Buffer {
  const writer = new BinaryWriter()
  new MessageWriter(writer, new WireSchema(schema)).message(schema, value)
  return Buffer.from(writer.finish())
}

const wire = { varint: 0, bit64: 1, length: 2 } as const

class MessageWriter {
  readonly #writer: BinaryWriter
  readonly #wire: WireSchema

  constructor(writer: BinaryWriter, schema: WireSchema) {
    this.#writer = writer
    this.#wire = schema
  }

  /** @param mark The field that a union around the message tells. */
  message(schema: JsonSchema, value: unknown, mark?: string): void {
    const object = isRecord(value) ? value : {}
    for (const field of this.#wire.fieldsOf(schema, object, mark)) this.#field(field, object[field.name])
  }

  #field({ number, schema: given, isRequired }: WireField, value: unknown): void {
    if (value === undefined) return
    const schema = this.#wire.follow(given)
    const form = this.#wire.formOf(schema, value)
    if (form === 'list') for (const item of value as readonly unknown[]) this.#one(number, itemsOf(schema), item)
    else if (form === 'record') this.#record(number, entryOf(schema) ?? {}, value)
    else if (form !== 'nullable' || !this.#wire.isAbsence(schema, isRequired)) this.#one(number, schema, value)
    else if (value !== null) this.#one(number, this.#wire.presentOf(schema), value)
  }

  #record(number: number, entry: JsonSchema, value: unknown): void {
    for (const [key, one] of Object.entries(Object(value) as object)) {
      this.#inside(number, () => {
        this.#tag(1, wire.length).string(key)
        this.#one(2, entry, one)
      })
    }
  }

  /** One value, which lies in a message of its own where protobuf has no type for it. */
  #one(number: number, given: JsonSchema, value: unknown): void {
    const schema = this.#wire.follow(given)
    switch (this.#wire.formOf(schema, value)) {
      case 'text':
        return void this.#tag(number, wire.length).string(String(value))
      case 'bytes':
        return void this.#tag(number, wire.length).bytes(bytesOf(schema, String(value)))
      case 'bool':
        return void this.#tag(number, wire.varint).bool(value === true)
      case 'int64':
        return void this.#tag(number, wire.varint).int64(typeof value === 'number' ? BigInt(value) : String(value))
      case 'double':
        return void this.#tag(number, wire.bit64).double(Number(value))
      case 'enum':
        return void this.#tag(number, wire.varint).int32(numberOf(textsOf(schema) ?? [], value))
      case 'timestamp':
        return void this.#tag(number, wire.length).bytes(
          toBinary(TimestampSchema, fromJson(TimestampSchema, String(value))),
        )
      case 'value':
        return void this.#tag(number, wire.length).bytes(
          toBinary(ValueSchema, fromJson(ValueSchema, value as JsonValue)),
        )
      case 'list':
      case 'record':
        return this.#inside(number, () => this.#field({ name: '', number: 1, schema, isRequired: true }, value))
      case 'nullable':
        return this.#inside(number, () => this.#nullable(schema, value))
      case 'union':
        return this.#inside(number, () => this.#union(schema, value))
      case 'message':
        return this.#inside(number, () => this.message(schema, value))
    }
  }

  #nullable(schema: JsonSchema, value: unknown): void {
    if (value === null) this.#tag(1, wire.varint).int32(0)
    else this.#one(2, this.#wire.presentOf(schema), value)
  }

  /** What has no alternative is written as one that the service does not know. */
  #union(schema: JsonSchema, value: unknown): void {
    const mark = this.#wire.markOf(schema) ?? ''
    const constant = isRecord(value) ? value[mark] : undefined
    const all = this.#wire.alternativesOf(schema)
    const isMeant = (one: JsonSchema) => (one['properties'] as Record<string, JsonSchema>)[mark]?.['const'] === constant
    const index = all.findIndex(isMeant)
    this.#inside(index < 0 ? all.length + 1 : index + 1, () => this.message(all[index] ?? {}, value, mark))
  }

  #tag(number: number, wireType: number): BinaryWriter {
    return this.#writer.uint32((number << 3) | wireType)
  }

  #inside(number: number, write: () => void): void {
    this.#tag(number, wire.length).fork()
    write()
    this.#writer.join()
  }
}

/** Value 0 stands for no text; what the schema does not have gets a number that it does not have. */
function numberOf(texts: readonly string[], value: unknown): number {
  const index = texts.indexOf(String(value))
  return index < 0 ? texts.length + 1 : index + 1
}

function bytesOf(schema: JsonSchema, text: string): Uint8Array {
  return bytesRangeOf(schema) ? Buffer.from(text, 'base64') : wtf8(text)
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
