import Schema from 'typebox/schema'
import { compileCensor } from './censor.ts'
import { hardenSchema } from './harden-schema.ts'
import { compileJsonReader } from './json-conversion.ts'
import type { JsonSchema } from './schema.ts'
import { compileShaper } from './shaper.ts'
import { isStackOverflow } from './stack-overflow.ts'
import { type SchemaFault, visitSchemas } from './unusable-schema.ts'
import { toViolations } from './violation.ts'

/**
 * Every default of a JSON Schema that does not fit the subschema it belongs to, as a reader would find it there: a value that
 * nobody sent, and that each call would be refused for which leaves the field out. A library's own rules are not asked.
 */
export function findBadDefaults(root: JsonSchema): readonly SchemaFault[] {
  if (!hasKey(root, 'default')) return []
  return visitSchemas(root, (schema, path, definitions) => {
    if (!('default' in schema)) return []
    return misfits(standalone(schema, { root, definitions })).map((reason) => ({ path, reason }))
  })
}

/** Interpreted: to run once, a function made of the schema would cost far more than it saves. */
function misfits(schema: JsonSchema): readonly string[] {
  const fromJson = compileJsonReader(schema)
  try {
    const filled = compileShaper(schema).fill(undefined)
    const value = fromJson ? fromJson(filled) : filled
    const [fits, errors] = Schema.Errors(hardenSchema(schema), value)
    if (fits) return []
    const violations = compileCensor(schema)(toViolations(errors), value)
    return violations.map(({ field, message }) => `its default${field ? ` at ${field}` : ''} ${message}`)
  } catch (error) {
    // A default that has, somewhere inside of it, the field it is the default of.
    if (isStackOverflow(error)) return ['its default is nested without end']
    throw error
  }
}

interface Surroundings {
  readonly root: JsonSchema
  /** What a reference by name may mean at this place. */
  readonly definitions: Readonly<Record<string, JsonSchema>>
}

/** The same schema as a document of its own. */
function standalone(schema: JsonSchema, { root, definitions }: Surroundings): JsonSchema {
  if (schema === root || !hasKey(schema, '$ref')) return schema
  const $defs = { ...definitions, ...Object(schema['$defs']), [rootName]: root }
  const document = Object.create(Object.getPrototypeOf(schema) as object, {
    ...Object.getOwnPropertyDescriptors(schema),
    $defs: { value: $defs, enumerable: true },
  }) as JsonSchema
  return fromRoot(document) as JsonSchema
}

/** The name of the whole schema among the definitions of one that was a part of it. */
const rootName = 'x-root'

/** Whether a keyword stands anywhere in a schema; also true for a field of that name, which only costs a look. */
function hasKey(value: unknown, key: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return key in value || Object.values(value).some((inner) => hasKey(inner, key))
}

/** A copy whose references by pointer begin at the former root. What is hidden, where TypeBox stores its kinds, stays. */
function fromRoot(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromRoot)
  if (typeof value !== 'object' || value === null) return value
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(value)).map(([key, descriptor]) => {
    const inner: unknown = descriptor.value
    if (!descriptor.enumerable) return [key, descriptor]
    const isPointer = key === '$ref' && typeof inner === 'string' && inner.startsWith('#')
    return [key, { ...descriptor, value: isPointer ? `#/$defs/${rootName}${inner.slice(1)}` : fromRoot(inner) }]
  })
  return Object.create(Object.getPrototypeOf(value) as object, Object.fromEntries(descriptors)) as unknown
}
