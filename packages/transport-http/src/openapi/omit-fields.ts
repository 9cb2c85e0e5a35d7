import type { JsonSchema } from '@tenon/core/contract'
import { isRecord } from '@tenon/core/transport'

/** An object schema without some of its fields, for those are read from elsewhere; the same schema where nothing is left out. */
export function omitFields(schema: JsonSchema, names: ReadonlySet<string>): JsonSchema {
  if (names.size === 0) return schema
  const entries = Object.entries(schema).flatMap(([keyword, value]) => omitAt(keyword, value, names))
  return Object.fromEntries(entries)
}

/** Whether an object without some of its fields can hold anything. */
export function hasFieldsBeside(schema: JsonSchema, names: ReadonlySet<string>): boolean {
  const properties = schema['properties']
  if (isRecord(properties) && Object.keys(properties).some((name) => !names.has(name))) return true
  const rest = schema['additionalProperties']
  if (isRecord(rest) || rest === true || 'patternProperties' in schema) return true
  return combined.some((keyword) => {
    const parts = schema[keyword]
    return Array.isArray(parts) && parts.some((part) => isRecord(part) && hasFieldsBeside(part, names))
  })
}

/** Parts of a schema that describe the same value as the whole. */
const combined = ['allOf', 'anyOf', 'oneOf']

/** What is said of the whole input, and not of what is left of it. */
const ofTheWhole = new Set(['$id', 'title', 'minProperties', 'maxProperties', 'default', 'examples'])

type Entry = readonly [keyword: string, value: unknown]

function omitAt(keyword: string, value: unknown, names: ReadonlySet<string>): readonly Entry[] {
  if (ofTheWhole.has(keyword)) return []
  if (keyword === 'properties' && isRecord(value))
    return [[keyword, Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)))]]
  if (keyword === 'required' && Array.isArray(value)) {
    const left = value.filter((name: unknown) => typeof name !== 'string' || !names.has(name))
    return left.length === 0 ? [] : [[keyword, left]]
  }
  if (combined.includes(keyword) && Array.isArray(value))
    return [[keyword, value.map((part: unknown) => (isRecord(part) ? omitFields(part, names) : part))]]
  return [[keyword, value]]
}
