import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { Static } from 'typebox'
import { findBadDefaults } from './bad-default.ts'
import { libraryJsonSchema } from './library-schema.ts'
import { findFaults, UnusableSchema } from './unusable-schema.ts'

/** A JSON Schema (draft 2020-12) as plain data. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** A TypeBox schema: it is its own JSON Schema. `Type.Unsafe()` makes the second form. */
export type TypeboxSchema = { readonly '~kind': string } | { readonly '~unsafe': unknown }

/**
 * A TypeBox schema whose readers find more than its writers must write, because defaults fill in what they leave out. The two
 * types are known to the compiler alone.
 */
export interface FilledSchema<Wire, Value> {
  readonly '~unsafe': unknown
  readonly '~wire': Wire
  readonly '~value': Value
}

/** A schema of any library that implements Standard Schema with Standard JSON Schema, such as Zod 4.2 or ArkType 2.1.28. */
export type StandardSchema = StandardSchemaV1 & StandardJSONSchemaV1

/** What an operation's input and output and an event's payload are described with. */
export type Schema = TypeboxSchema | StandardSchema

/** The type a schema describes on the wire: what a caller writes. */
export type WireOf<S> =
  S extends StandardSchemaV1<infer Wire, unknown>
    ? Wire
    : S extends FilledSchema<infer Wire, unknown>
      ? Wire
      : S extends TypeboxSchema
        ? Static<S>
        : never

/** The type a reader of the schema receives: the wire type after the schema's own transforms. */
export type ValueOf<S> =
  S extends StandardSchemaV1<unknown, infer Value>
    ? Value
    : S extends FilledSchema<unknown, infer Value>
      ? Value
      : S extends TypeboxSchema
        ? Static<S>
        : never

/** Whether a schema comes from a library that implements Standard Schema. */
export function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  return (typeof schema === 'object' || typeof schema === 'function') && schema !== null && '~standard' in schema
}

/**
 * The wire side of a schema as JSON Schema.
 *
 * @throws UnusableSchema naming the places in it that cannot be expressed or checked, or whose default does not fit.
 */
export function toJsonSchema(schema: unknown): JsonSchema {
  const isLibrary = isStandardSchema(schema)
  const jsonSchema = isLibrary ? libraryJsonSchema(schema) : typeboxJsonSchema(schema)
  const faults = findFaults(jsonSchema, { allowsNative: !isLibrary })
  if (faults.length > 0) throw new UnusableSchema(faults)
  const badDefaults = findBadDefaults(jsonSchema)
  if (badDefaults.length > 0) throw new UnusableSchema(badDefaults)
  return jsonSchema
}

/** A TypeBox schema is its own JSON Schema. */
function typeboxJsonSchema(schema: unknown): JsonSchema {
  if (typeof schema === 'object' && schema !== null && ('~kind' in schema || '~unsafe' in schema)) {
    return schema as JsonSchema
  }
  throw new UnusableSchema([{ path: '', reason: 'expected a TypeBox schema or a Standard Schema' }])
}
