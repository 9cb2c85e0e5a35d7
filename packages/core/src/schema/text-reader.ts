import type { JsonSchema } from './schema.ts'

/** Reads text from a path or a query as the type its schema has; text that cannot be read so stays text. */
export type TextReader = (text: string | readonly string[]) => unknown

/** The reader for a schema of text, numbers, booleans, or a list of them. */
export function compileTextReader(schema: JsonSchema): TextReader {
  if (schema['type'] === 'array') {
    const item = compileTextReader((schema['items'] ?? {}) as JsonSchema)
    return (text) => (typeof text === 'string' ? [item(text)] : text.map((one) => item(one)))
  }
  const read = scalarReader(scalarTypes(schema))
  return (text) => (typeof text === 'string' ? read(text) : text.map(read))
}

/** `word` is a constant text that can be nothing else, so that other texts may be of another type. */
type Scalar = 'number' | 'boolean' | 'string' | 'word'

/** The types a text may stand for. A schema that allows any text leaves every text as it is. */
function scalarTypes(schema: JsonSchema): ReadonlySet<Scalar> {
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
  if (variants) return new Set(variants.flatMap((variant) => [...scalarTypes(variant)]))
  const values = 'const' in schema ? [schema['const']] : schema['enum']
  if (Array.isArray(values)) return new Set(values.map(typeOfConstant))
  const type = schema['type'] === 'integer' ? 'number' : schema['type']
  return new Set([type === 'number' || type === 'boolean' ? type : 'string'])
}

function typeOfConstant(value: unknown): Scalar {
  if (typeof value !== 'string') return typeof value as Scalar
  return value === 'true' || value === 'false' || numberForm.test(value) ? 'string' : 'word'
}

/** A JSON number and nothing else: no spaces, no hexadecimal, no Infinity. @see RFC 8259 section 6 */
const numberForm = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function scalarReader(types: ReadonlySet<Scalar>): (text: string) => unknown {
  if (types.has('string')) return (text) => text
  return (text) => {
    if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
    if (types.has('number') && numberForm.test(text)) return Number(text)
    return text
  }
}
