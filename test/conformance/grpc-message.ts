import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt'
import { bytesRangeOf, int64RangeOf, type JsonSchema } from '@tenon/core/contract'

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

/** What a value is on the wire. */
type Form = 'text' | 'bytes' | 'bool' | 'int64' | 'double' | 'enum' | 'list' | 'record' | 'message'

function formOf(schema: JsonSchema, value: unknown): Form {
  if (int64RangeOf(schema) || schema['type'] === 'integer') return 'int64'
  if (bytesRangeOf(schema)) return 'bytes'
  if (textsOf(schema)) return 'enum'
  if (schema['type'] === 'array') return 'list'
  if (schema['type'] === 'boolean' || typeof value === 'boolean') return 'bool'
  if (schema['type'] === 'number' || typeof value === 'number') return 'double'
  // A text is bytes on the wire, and only as bytes can half of a surrogate pair be written.
  if (typeof value === 'string' && !value.isWellFormed()) return 'bytes'
  if (schema['type'] === 'string' || typeof value === 'string') return 'text'
  return entryOf(schema) ? 'record' : 'message'
}

interface Shape {
  readonly form: Form
  /** Of an item, or of a record's entry. */
  readonly item?: Shape
  /** Of a message, in the order of their numbers. */
  readonly fields?: readonly Shape[]
}

function shapeOf(schema: JsonSchema, value: unknown): Shape {
  const form = formOf(schema, value)
  if (form === 'list') return { form, item: merged(itemsOf(schema), Array.isArray(value) ? value : []) }
  if (form === 'record')
    return { form, item: merged(entryOf(schema) ?? {}, isRecord(value) ? Object.values(value) : []) }
  if (form !== 'message') return { form }
  const object = isRecord(value) ? value : {}
  const fields = fieldsOf(schema, object).map(([name, field]) => shapeOf(field, object[name]))
  return { form, fields }
}

/** One shape for values that may have fields of their own each: that of the one with the most. */
function merged(schema: JsonSchema, values: readonly unknown[]): Shape {
  const shapes = values.length === 0 ? [shapeOf(schema, undefined)] : values.map((value) => shapeOf(schema, value))
  return shapes.reduce((most, shape) => (sizeOf(shape) > sizeOf(most) ? shape : most))
}

function sizeOf({ item, fields = [] }: Shape): number {
  return 1 + (item ? sizeOf(item) : 0) + fields.reduce((sum, field) => sum + sizeOf(field), 0)
}

/** The declared fields of a message with their schemas, and behind them those that a value has beyond. */
function fieldsOf(schema: JsonSchema, value: object): readonly (readonly [name: string, schema: JsonSchema])[] {
  const declared = propertiesOf(schema)
  const strays = Object.keys(value).filter((name) => !Object.hasOwn(declared, name))
  return [...Object.entries(declared), ...strays.map((name): [string, JsonSchema] => [name, {}])]
}

const scalars = {
  text: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  int64: FieldDescriptorProto_Type.INT64,
  double: FieldDescriptorProto_Type.DOUBLE,
  // On the wire an enum is a number, and a caller may have one that the service has not.
  enum: FieldDescriptorProto_Type.INT32,
} as const

const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label

/** @throws TypeError for a shape that no message has. */
function describe(shape: Shape): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: 'caller.proto',
    syntax: 'proto3',
    messageType: [toMessage('Root', shape, '')],
  })
  const message = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getMessage('Root')
  if (message === undefined) throw new TypeError('a file has the message that it was given')
  return message
}

type MessageInit =
  NonNullable<Parameters<typeof create<typeof FileDescriptorProtoSchema>>[1]> extends {
    messageType?: (infer Init)[]
  }
    ? Init
    : never

/** Fields are called f1, f2 and so on: names are no part of the wire. */
function toMessage(name: string, { fields = [] }: Shape, scope: string): MessageInit {
  const own = `${scope}.${name}`
  const nested = fields.flatMap((field, index) => nestedOf(field, `M${index + 1}`, own))
  const single = fields
    .map(({ form }, index) => ({ form, index }))
    .filter(({ form }) => form !== 'list' && form !== 'record')
  const present = single.filter(({ form }) => form !== 'message').map(({ index }) => index)
  const field = fields.map((one, index) => {
    const label = one.form === 'list' || one.form === 'record' ? REPEATED : OPTIONAL
    const oneof = present.indexOf(index)
    const presence = oneof < 0 ? {} : { proto3Optional: true, oneofIndex: oneof }
    return { ...fieldOf(index + 1, one.form === 'list' ? (one.item ?? one) : one, own), label, ...presence }
  })
  return { name, field, nestedType: nested, oneofDecl: present.map((index) => ({ name: `_f${index + 1}` })) }
}

function fieldOf(number: number, shape: Shape, scope: string, typeName = `${scope}.M${number}`) {
  const { form } = shape
  const type =
    form === 'message' || form === 'record' || form === 'list'
      ? { type: FieldDescriptorProto_Type.MESSAGE, typeName }
      : { type: scalars[form] }
  return { name: `f${number}`, jsonName: `f${number}`, number, label: OPTIONAL, ...type }
}

/** The messages that a field needs to be declared inside of its own. */
function nestedOf(shape: Shape, name: string, scope: string): readonly MessageInit[] {
  if (shape.form === 'list' && shape.item) return nestedOf(shape.item, name, scope)
  if (shape.form === 'message') return [toMessage(name, shape, scope)]
  if (shape.form !== 'record' || !shape.item) return []
  const value = { ...fieldOf(2, shape.item, `${scope}.${name}`), name: 'value', jsonName: 'value' }
  const key = { ...fieldOf(1, { form: 'text' }, scope), name: 'key', jsonName: 'key' }
  return [
    {
      name,
      options: { mapEntry: true },
      field: [key, value],
      nestedType: [...nestedOf(shape.item, 'M2', `${scope}.${name}`)],
    },
  ]
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

/** The schema with what it names in the place of the names. */
function inlined(schema: JsonSchema, named: Readonly<Record<string, unknown>> = {}): JsonSchema {
  const { $defs, $ref, ...rest } = schema
  const all = isRecord($defs) ? { ...named, ...$defs } : named
  if (typeof $ref === 'string') return inlined(all[$ref.replace('#/$defs/', '')] as JsonSchema, all)
  return inlinedParts(rest, all) as JsonSchema
}

function inlinedParts(part: unknown, named: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(part)) return part.map((one) => inlinedParts(one, named))
  if (!isRecord(part)) return part
  return '$ref' in part || '$defs' in part ? inlined(part, named) : mapped(part, (one) => inlinedParts(one, named))
}

function mapped<Result>(value: object, change: (one: unknown) => Result): Record<string, Result> {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one)]))
}

function textsOf(schema: JsonSchema): readonly string[] | undefined {
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  const values: unknown = variants?.map((variant) => variant['const']) ?? schema['enum'] ?? [schema['const']]
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
}

function itemsOf(schema: JsonSchema): JsonSchema {
  return (schema['items'] ?? {}) as JsonSchema
}

/** The schema of a record's values. */
function entryOf(schema: JsonSchema): JsonSchema | undefined {
  return Object.values((schema['patternProperties'] ?? {}) as Readonly<Record<string, JsonSchema>>)[0]
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
