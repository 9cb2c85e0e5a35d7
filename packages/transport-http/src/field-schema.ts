import type { JsonSchema } from '@tenon/core/contract'

/** The schema of a field of an object schema; one that allows everything where it has no such field. */
export function fieldSchema(schema: JsonSchema, name: string): JsonSchema {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>
  return (Object.hasOwn(properties, name) ? properties[name] : undefined) ?? {}
}
