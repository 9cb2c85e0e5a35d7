import type { JsonSchema } from '@tenon/core/contract'
import { isRecord } from '@tenon/core/transport'

/**
 * A schema of JSON Schema 2020-12 in the words of draft 7, which AsyncAPI's own schemas are made of.
 *
 * Conditions that draft 7 has no word for (`unevaluatedProperties`, `unevaluatedItems`, `minContains`, `maxContains`) are left out, with the
 * `not` or `if` that they stand in: what remains allows more.
 *
 * @see AsyncAPI 3.0.0, schema object; JSON Schema, migrating from draft 7 to 2019-09, and on to 2020-12
 */
export function toDraftSeven(schema: JsonSchema): JsonSchema {
  const { $ref, ...beside } = schema
  const entries = Object.entries(beside).flatMap(([keyword, value]) => convertKeyword(keyword, value, schema))
  const converted: JsonSchema = Object.fromEntries(entries)
  if ($ref === undefined) return converted
  // What stands beside a reference is not read in draft 7.
  const { allOf = [], ...others } = converted
  return entries.length === 0 ? { $ref } : { ...others, allOf: [{ $ref }, ...(Array.isArray(allOf) ? allOf : [])] }
}

type Entry = readonly [keyword: string, value: unknown]

const dropped = new Set(['unevaluatedProperties', 'unevaluatedItems', 'minContains', 'maxContains'])
/** Of which a part cannot be left out without meaning something else. */
const conditions = new Set(['not', 'if'])
const schemasByName = new Set(['properties', 'patternProperties'])
/** What holds a value rather than a schema. */
const plain = new Set(['const', 'default', 'enum', 'example', 'examples'])

function convertKeyword(keyword: string, value: unknown, schema: JsonSchema): readonly Entry[] {
  if (dropped.has(keyword) || (conditions.has(keyword) && hasDropped(value))) return []
  if (plain.has(keyword)) return [[keyword, value]]
  if (keyword === 'prefixItems') return [['items', convert(value)]]
  if (keyword === 'items' && 'prefixItems' in schema) return [['additionalItems', convert(value)]]
  if (keyword === 'dependentSchemas' || keyword === 'dependentRequired')
    return keyword === 'dependentRequired' && 'dependentSchemas' in schema
      ? []
      : [['dependencies', dependenciesOf(schema)]]
  if (schemasByName.has(keyword) && isRecord(value)) return [[keyword, eachOf(value)]]
  return [[keyword, convert(value)]]
}

/** Both words of 2020-12 are one in draft 7, where a name has either fields or a schema. */
function dependenciesOf({ dependentSchemas, dependentRequired }: JsonSchema): JsonSchema {
  const schemas = isRecord(dependentSchemas) ? dependentSchemas : {}
  const required = isRecord(dependentRequired) ? dependentRequired : {}
  const both = Object.entries(required).map(([name, fields]) => {
    const schema = schemas[name]
    return [name, isRecord(schema) ? { allOf: [toDraftSeven(schema), { required: fields }] } : fields] as const
  })
  return { ...eachOf(schemas), ...Object.fromEntries(both) }
}

function hasDropped(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasDropped)
  return isRecord(value) && Object.entries(value).some(([keyword, part]) => dropped.has(keyword) || hasDropped(part))
}

function eachOf(schemas: Readonly<Record<string, unknown>>): JsonSchema {
  return Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, convert(one)] as const))
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert)
  return isRecord(value) ? toDraftSeven(value) : value
}
