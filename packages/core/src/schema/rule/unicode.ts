import type { JsonSchema } from '../schema.ts'
import { type Refinement, refinement } from './refinement.ts'

/**
 * The checks that texts of a schema, and names that come from the caller, are well-formed Unicode. Half of a surrogate pair is
 * no character: JSON can spell it, UTF-8 and so protobuf cannot.
 *
 * @see RFC 3629 section 3
 */
export function unicodeChecks(schema: JsonSchema): readonly Refinement[] {
  const mayBeText = [schema['type']].flat().includes('string') || isUntyped(schema)
  return [...(mayBeText ? [text] : []), ...(hasOpenEntries(schema) ? [names] : [])]
}

const text = refinement((value) => isWellFormed(value), {
  keyword: 'unicode',
  params: {},
  message: 'must be well-formed Unicode',
})
const names = refinement(
  (value) => typeof value !== 'object' || value === null || Object.keys(value).every((name) => name.isWellFormed()),
  { keyword: 'unicode', params: {}, message: 'must have names that are well-formed Unicode' },
)

/** Also inside of what no schema describes. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true
  return Object.entries(value).every(([name, entry]) => name.isWellFormed() && isWellFormed(entry))
}

/** A schema that describes nothing, so that nothing inside of its values is checked by another. */
function isUntyped(schema: JsonSchema): boolean {
  return !Object.keys(schema).some((keyword) => describing.has(keyword))
}

const describing = new Set([
  'type',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  'not',
  'if',
  '$ref',
  '$dynamicRef',
  'properties',
  'items',
  'prefixItems',
])

/** Whether names come from the caller. */
function hasOpenEntries(schema: JsonSchema): boolean {
  const others = schema['additionalProperties']
  return 'patternProperties' in schema || (others !== undefined && others !== false)
}
