import type { JsonSchema } from '@tenon/core/contract'
import type { SchemaDocument } from '@tenon/core/transport'
import { isSchema, type Placed, resolve } from './schema-variant.ts'

/** An object with the parts that it consists of taken together. */
export interface Merged {
  readonly fields: readonly (Placed & { readonly name: string; readonly isRequired: boolean })[]
  /** The schema of all other entries, where there are any. */
  readonly entry: Placed | undefined
}

/** An object and the parts of its `allOf` as one; a text says why they are none. */
export function mergeObject(placed: Placed, document: SchemaDocument): Merged | string {
  const parts = partsOf(placed, document, new Set())
  if (parts.some(({ schema }) => isCombination(schema))) return 'a combination of several'
  if (!parts.some(({ schema }) => schema['type'] === 'object')) return describe(placed.schema)
  if (parts.some(({ schema }) => !['object', undefined].includes(schema['type'] as undefined))) return 'an intersection'
  const required = new Set(parts.flatMap(({ schema }) => (schema['required'] ?? []) as readonly string[]))
  const fields = new Map<string, Placed>()
  for (const { schema, path } of parts)
    for (const [name, field] of Object.entries(Object(schema['properties']) as Record<string, JsonSchema>)) {
      const known = fields.get(name)
      if (known && !isSame(known.schema, field)) return `an intersection with two kinds of ${name}`
      fields.set(name, known ?? { schema: field, path: `${path}/properties/${name}` })
    }
  const entry = entryOf(parts, fields.size > 0)
  if (entry === undefined && !parts.some(({ schema }) => 'properties' in schema || isClosed(schema)))
    return 'any object'
  return { fields: [...fields].map(([name, field]) => ({ ...field, name, isRequired: required.has(name) })), entry }
}

function partsOf({ schema, path }: Placed, document: SchemaDocument, seen: Set<JsonSchema>): readonly Placed[] {
  const found = resolve(schema, document)
  if (typeof found === 'string' || seen.has(found)) return []
  seen.add(found)
  const inside = Array.isArray(found['allOf']) ? (found['allOf'] as readonly JsonSchema[]) : []
  return [
    { schema: found, path },
    ...inside.flatMap((part, index) => partsOf({ schema: part, path: `${path}/allOf/${index}` }, document, seen)),
  ]
}

function isCombination(schema: JsonSchema): boolean {
  return ['anyOf', 'oneOf', 'const', 'enum', 'if'].some((keyword) => keyword in schema)
}

function isClosed(schema: JsonSchema): boolean {
  return schema['additionalProperties'] === false || schema['unevaluatedProperties'] === false
}

/** Two spellings of one schema are the same type. */
function isSame(one: JsonSchema, other: JsonSchema): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/** The schema of a record's values: of several the union. What is undeclared beside fields is not carried. */
function entryOf(parts: readonly Placed[], hasFields: boolean): Placed | undefined {
  const entries = parts.flatMap(({ schema, path }) => entriesOf(schema, path, hasFields))
  const [only, ...more] = entries
  return more.length === 0 ? only : { schema: unionOf(parts, entries), path: parts[0]?.path ?? '' }
}

function entriesOf(schema: JsonSchema, path: string, hasFields: boolean): readonly Placed[] {
  const patterns = Object.entries(Object(schema['patternProperties']) as Record<string, JsonSchema>)
  const named = patterns.map(([form, entry]) => ({ schema: entry, path: `${path}/patternProperties/${form}` }))
  const { additionalProperties: rest } = schema
  if (isSchema(rest) && (!hasFields || Object.keys(rest).length > 0))
    return [...named, { schema: rest, path: `${path}/additionalProperties` }]
  return rest === true && !hasFields && !('properties' in schema)
    ? [...named, { schema: {}, path: `${path}/additionalProperties` }]
    : named
}

/** Made once for a schema, which stays the same wherever it comes again. */
const unions = new WeakMap<JsonSchema, JsonSchema>()

function unionOf([first]: readonly Placed[], entries: readonly Placed[]): JsonSchema {
  const union = (first && unions.get(first.schema)) ?? { anyOf: entries.map(({ schema }) => schema) }
  if (first) unions.set(first.schema, union)
  return union
}

function describe(schema: JsonSchema): string {
  if ('allOf' in schema) return 'an intersection'
  const type = schema['type']
  return typeof type === 'string' ? `of type "${type}"` : 'of no single type'
}
