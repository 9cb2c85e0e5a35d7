import type { JsonSchema, TypeboxSchema } from './schema.ts'

/**
 * The same schema for a value that must not be seen: no message of a violation, to a caller or in a log, shows it or
 * anything inside it. With another library, set `x-secret: true` in the schema's metadata.
 */
export function secret<S extends TypeboxSchema>(schema: S): S {
  // What TypeBox keeps of a schema is partly hidden, so that spreading would lose it.
  const descriptors = { ...Object.getOwnPropertyDescriptors(schema), [keyword]: { value: true, enumerable: true } }
  return Object.create(Object.getPrototypeOf(schema) as object, descriptors) as S
}

/** Whether a schema describes a value that must not be seen. */
export function isSecret(schema: JsonSchema): boolean {
  return schema[keyword] === true
}

const keyword = 'x-secret'
