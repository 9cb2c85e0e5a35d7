import { bytesRangeOf } from '../schema/native/bytes.ts'
import type { JsonSchema } from '../schema/schema.ts'

/** Whether a field can be written as text: a scalar, or where the form is a list also a list of scalars. */
export function isTextual(field: JsonSchema, form: 'single' | 'list'): boolean {
  if (field['type'] === 'array') return form === 'list' && isTextual((field['items'] ?? {}) as JsonSchema, 'single')
  const variants = (field['anyOf'] ?? field['oneOf']) as readonly JsonSchema[] | undefined
  // A list among alternatives could not be told from one of its items.
  if (variants) return variants.every((variant) => variant['type'] !== 'array' && isTextual(variant, form))
  if (Array.isArray(field['enum']) || 'const' in field) return true
  return ['string', 'integer', 'number', 'boolean'].includes(String(field['type']))
}

/** Whether a field is text or a whole number, as a version is. */
export function isVersion(field: JsonSchema): boolean {
  return (field['type'] === 'string' && !bytesRangeOf(field)) || field['type'] === 'integer'
}
