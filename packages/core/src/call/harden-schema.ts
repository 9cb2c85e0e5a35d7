import type { JsonSchema } from '../contract/schema.ts'

/**
 * The schema that is really checked: an integer lies in the range that JSON can carry exactly, and a choice of constants
 * is one `enum`, so that every schema library's violations read alike.
 *
 * @see RFC 8259 section 6, on integers in the range of IEEE 754
 */
export function hardenSchema(schema: JsonSchema): JsonSchema {
  const copy = clone(schema) as Record<string, unknown>
  if (copy['type'] === 'integer') {
    copy['minimum'] = Math.max(Number(copy['minimum'] ?? Number.MIN_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
    copy['maximum'] = Math.min(Number(copy['maximum'] ?? Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  }
  for (const union of ['anyOf', 'oneOf']) {
    const constants = constantsOf(copy[union])
    if (constants === undefined) continue
    delete copy[union]
    copy['enum'] = constants
  }
  return copy
}

/** Keywords whose values are data, not schemas. */
const dataKeywords = new Set(['default', 'const', 'enum', 'examples', 'required'])

/** Copies what is enumerable in depth and keeps the rest, where TypeBox stores its kinds and refinements. */
function clone(value: JsonSchema): object {
  const copy = Object.create(Object.getPrototypeOf(value) as object, Object.getOwnPropertyDescriptors(value)) as Record<
    string,
    unknown
  >
  for (const [keyword, child] of Object.entries(value))
    copy[keyword] = dataKeywords.has(keyword) ? child : cloneChild(child, keyword)
  return copy
}

/** Keywords whose value maps names to schemas; a name may be spelt like a keyword. */
const mapKeywords = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

function cloneChild(child: unknown, keyword: string): unknown {
  if (typeof child !== 'object' || child === null) return child
  if (Array.isArray(child)) return child.map((item: unknown) => cloneChild(item, ''))
  if (!mapKeywords.has(keyword)) return hardenSchema(child as JsonSchema)
  return Object.fromEntries(Object.entries(child).map(([name, schema]) => [name, cloneChild(schema, '')]))
}

function constantsOf(variants: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(variants) || variants.length === 0) return undefined
  const isConstant = (variant: unknown): variant is { const: unknown } =>
    typeof variant === 'object' && variant !== null && 'const' in variant
  return variants.every(isConstant) ? variants.map((variant) => variant.const) : undefined
}
