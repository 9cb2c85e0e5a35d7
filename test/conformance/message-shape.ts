import { bytesRangeOf, int64RangeOf, type JsonSchema } from '@tenon/core/contract'

/** What a value is on the wire. */
export type Form = 'text' | 'bytes' | 'bool' | 'int64' | 'double' | 'enum' | 'list' | 'record' | 'message'

/** How a value of a schema is written; of what no schema describes, as what it is. */
export function formOf(schema: JsonSchema, value: unknown): Form {
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

/** A form with what lies in it. */
export interface Shape {
  readonly form: Form
  /** Of an item, or of a record's entry. */
  readonly item?: Shape
  /** Of a message, in the order of their numbers. */
  readonly fields?: readonly Shape[]
}

/** The shape of a message that can carry the value, whatever the schema allows. */
export function shapeOf(schema: JsonSchema, value: unknown): Shape {
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
export function fieldsOf(schema: JsonSchema, value: object): readonly (readonly [name: string, schema: JsonSchema])[] {
  const declared = propertiesOf(schema)
  const strays = Object.keys(value).filter((name) => !Object.hasOwn(declared, name))
  return [...Object.entries(declared), ...strays.map((name): [string, JsonSchema] => [name, {}])]
}

/** The schema with what it names in the place of the names. */
export function inlined(schema: JsonSchema, named: Readonly<Record<string, unknown>> = {}): JsonSchema {
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

/** Changes every entry. */
export function mapped<Result>(value: object, change: (one: unknown) => Result): Record<string, Result> {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one)]))
}

/** The texts of a choice of texts. */
export function textsOf(schema: JsonSchema): readonly string[] | undefined {
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  const values: unknown = variants?.map((variant) => variant['const']) ?? schema['enum'] ?? [schema['const']]
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined
}

function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
}

export function itemsOf(schema: JsonSchema): JsonSchema {
  return (schema['items'] ?? {}) as JsonSchema
}

/** The schema of a record's values. */
export function entryOf(schema: JsonSchema): JsonSchema | undefined {
  return Object.values((schema['patternProperties'] ?? {}) as Readonly<Record<string, JsonSchema>>)[0]
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
