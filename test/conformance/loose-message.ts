import { bytes, bytesRangeOf, int64, int64RangeOf, type JsonSchema } from '@tenon/core/contract'
import Type, { type TObject, type TSchema } from 'typebox'

/**
 * The schema of a caller who has an old or a wrong contract: the same fields in the same order, so with the same numbers and
 * types on the wire, but none of them needed and nothing limited; and those the real one does not have, behind the others.
 */
export function looseSchema(schema: JsonSchema, values: readonly unknown[]): TObject {
  const declared = propertiesOf(schema)
  const objects = values.filter(isRecord)
  const stray = objects.flatMap((value) => Object.keys(value)).filter((name) => !Object.hasOwn(declared, name))
  const fields = Object.entries(declared).map(
    ([name, field]) => [name, looseField(field, valuesAt(objects, name))] as const,
  )
  const more = [...new Set(stray)].map((name) => [name, typeOf(valuesAt(objects, name)[0])] as const)
  return Type.Object(Object.fromEntries([...fields, ...more].map(([name, field]) => [name, optional(field)])))
}

/** What repeats is optional by its nature, and may not be called so. */
function optional(field: TSchema): TSchema {
  return Type.IsArray(field) || Type.IsRecord(field) ? field : Type.Optional(field)
}

/** The value as that schema has it: whole numbers as 64-bit integers, which are the same on the wire, and base64 as bytes. */
export function looseValue(schema: JsonSchema, value: unknown): unknown {
  if (int64RangeOf(schema)) return BigInt(String(value))
  if (bytesRangeOf(schema)) return Buffer.from(String(value), 'base64')
  if (schema['type'] === 'integer') return BigInt(Number(value))
  if (Array.isArray(value)) return value.map((item) => looseValue(itemsOf(schema), item))
  if (!isRecord(value)) return value
  const declared = propertiesOf(schema)
  const entry = entryOf(schema)
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name,
      looseValue(Object.hasOwn(declared, name) ? (declared[name] ?? {}) : (entry ?? {}), field),
    ]),
  )
}

function looseField(schema: JsonSchema, values: readonly unknown[]): TSchema {
  if (int64RangeOf(schema) || schema['type'] === 'integer') return int64()
  if (bytesRangeOf(schema)) return bytes()
  const texts = textsOf(schema)
  if (texts) return Type.Union([...new Set([...texts, ...values.map(String)])].map((text) => Type.Literal(text)))
  const { type } = schema
  if (type === 'array') return Type.Array(looseField(itemsOf(schema), values.flat()))
  if (type === 'boolean') return Type.Boolean()
  if (type === 'number') return Type.Number()
  if (type === 'string') return Type.String()
  const entry = entryOf(schema)
  if (entry) return Type.Record(Type.String(), looseField(entry, values.filter(isRecord).flatMap(Object.values)))
  return looseSchema(schema, values)
}

/** The schema of a value of which nothing else is known. */
function typeOf(value: unknown): TSchema {
  if (typeof value === 'boolean') return Type.Boolean()
  if (typeof value === 'number') return Type.Number()
  return isRecord(value) ? looseSchema({}, [value]) : Type.String()
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

function valuesAt(objects: readonly Readonly<Record<string, unknown>>[], name: string): readonly unknown[] {
  return objects.filter((value) => Object.hasOwn(value, name)).map((value) => value[name])
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
