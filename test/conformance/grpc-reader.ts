import { fromBinary, toJson } from '@bufbuild/protobuf'
import { TimestampSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { int64RangeOf, type JsonSchema } from '@tenon/core/contract'
import { entryOf, itemsOf, textsOf, WireSchema } from './grpc-schema.ts'

/** Reads messages of a schema as JSON data. */
export function compileReader(schema: JsonSchema): (bytes: Uint8Array) => unknown {
  const reader = new MessageReader(new WireSchema(schema))
  return (bytes) => reader.message(schema, bytes)
}

/** A number, its eight bytes, or what has a length. */
type Raw = bigint | Uint8Array

class MessageReader {
  readonly #wire: WireSchema

  constructor(schema: WireSchema) {
    this.#wire = schema
  }

  message(schema: JsonSchema, bytes: Uint8Array, mark?: string): Readonly<Record<string, unknown>> {
    const found = rawFields(bytes)
    const given = this.#wire.fieldsOf(schema, {}, mark).map(({ name, number, schema: field, isRequired }) => {
      const value = this.#field(field, found.get(number) ?? [], isRequired)
      return value === undefined ? [] : [[name, value] as const]
    })
    return Object.fromEntries(given.flat())
  }

  #field(given: JsonSchema, raws: readonly Raw[], isRequired: boolean): unknown {
    const schema = this.#wire.follow(given)
    const form = this.#wire.formOf(schema, undefined)
    if (form === 'list') return raws.flatMap((raw) => this.#items(itemsOf(schema), raw))
    if (form === 'record')
      return Object.fromEntries(raws.map((raw) => this.#entry(entryOf(schema) ?? {}, bytesIn(raw))))
    const last = raws.at(-1)
    if (form !== 'nullable' || !this.#wire.isAbsence(schema, isRequired))
      return last === undefined ? undefined : this.#one(schema, last)
    return last === undefined ? null : this.#one(this.#wire.presentOf(schema), last)
  }

  /** Numbers of a list may come in one run. */
  #items(schema: JsonSchema, raw: Raw): readonly unknown[] {
    const form = this.#wire.formOf(schema, undefined)
    const isRun = typeof raw !== 'bigint' && ['bool', 'int64', 'double', 'enum'].includes(form)
    if (!isRun) return [this.#one(schema, raw)]
    const reader = new BinaryReader(raw)
    const items: unknown[] = []
    while (reader.pos < reader.len)
      items.push(this.#one(schema, form === 'double' ? eight(reader) : BigInt(reader.int64())))
    return items
  }

  #entry(schema: JsonSchema, bytes: Uint8Array): readonly [string, unknown] {
    const [key, value] = [1, 2].map((number) => rawFields(bytes).get(number)?.at(-1))
    return [Buffer.from(bytesIn(key)).toString(), value === undefined ? undefined : this.#one(schema, value)]
  }

  #one(given: JsonSchema, raw: Raw): unknown {
    const schema = this.#wire.follow(given)
    switch (this.#wire.formOf(schema, undefined)) {
      case 'text':
        return Buffer.from(bytesIn(raw)).toString()
      case 'bytes':
        return Buffer.from(bytesIn(raw)).toString('base64')
      case 'bool':
        return raw !== 0n
      case 'int64':
        return int64RangeOf(schema) ? String(raw) : Number(raw)
      case 'double':
        return Buffer.from(bytesIn(raw)).readDoubleLE()
      case 'enum':
        return textsOf(schema)?.[Number(raw) - 1] ?? Number(raw)
      case 'timestamp':
        return toJson(TimestampSchema, fromBinary(TimestampSchema, bytesIn(raw)))
      case 'value':
        return toJson(ValueSchema, fromBinary(ValueSchema, bytesIn(raw)))
      case 'list':
      case 'record':
        return this.#field(schema, rawFields(bytesIn(raw)).get(1) ?? [], true)
      case 'nullable':
        return this.#nullable(schema, rawFields(bytesIn(raw)).get(2)?.at(-1))
      case 'union':
        return this.#union(schema, bytesIn(raw))
      case 'message':
        return this.message(schema, bytesIn(raw))
    }
  }

  #nullable(schema: JsonSchema, raw: Raw | undefined): unknown {
    return raw === undefined ? null : this.#one(this.#wire.presentOf(schema), raw)
  }

  #union(schema: JsonSchema, bytes: Uint8Array): unknown {
    const mark = this.#wire.markOf(schema) ?? ''
    const [[number = 0, raws] = []] = rawFields(bytes)
    const alternative = this.#wire.alternativesOf(schema)[number - 1] ?? {}
    const constant = (alternative['properties'] as Record<string, JsonSchema> | undefined)?.[mark]?.['const']
    return { [mark]: constant, ...this.message(alternative, bytesIn(raws?.at(-1)), mark) }
  }
}

/** The fields of a message by number, as they came. */
function rawFields(bytes: Uint8Array): ReadonlyMap<number, readonly Raw[]> {
  const reader = new BinaryReader(bytes)
  const fields = new Map<number, Raw[]>()
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    fields.set(number, [...(fields.get(number) ?? []), readRaw(reader, wireType)])
  }
  return fields
}

/** @throws Error for a wire type that no field of a schema has. */
function readRaw(reader: BinaryReader, wireType: WireType): Raw {
  if (wireType === WireType.Varint) return BigInt(reader.int64())
  if (wireType === WireType.Bit64) return eight(reader)
  if (wireType === WireType.LengthDelimited) return reader.bytes()
  throw new Error(`no field has wire type ${wireType}`)
}

function eight(reader: BinaryReader): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(reader.double())
  return bytes
}

function bytesIn(raw: Raw | undefined): Uint8Array {
  if (raw === undefined) return new Uint8Array()
  if (typeof raw === 'bigint') throw new Error('a field of a length came as a number')
  return raw
}
