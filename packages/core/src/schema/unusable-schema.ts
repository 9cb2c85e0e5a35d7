import type { JsonSchema } from './schema.ts'

/** A part of a schema that no value on a wire can be checked with. */
export interface SchemaFault {
  /** JSON pointer into the JSON Schema; empty for the whole. */
  readonly path: string
  readonly reason: string
}

/** A schema that cannot be used, with every place in it that is at fault. */
export class UnusableSchema extends Error {
  override readonly name = 'UnusableSchema'
  readonly faults: readonly SchemaFault[]

  constructor(faults: readonly SchemaFault[]) {
    super(faults.map(({ path, reason }) => `${path || 'it'} cannot be used: ${reason}`).join('; '))
    this.faults = faults
  }
}

/** Stands in a JSON Schema where a library could not express its own schema, and says what that was. */
export const unexpressed = 'x-unexpressed'

interface FindOptions {
  /** Whether the schema may have `int64()`, `bytes()` and `timestamp()`. */
  readonly allowsNative: boolean
}

/** Every part of a JSON Schema that could never be checked, or would be passed over in silence. */
export function findFaults(root: JsonSchema, { allowsNative }: FindOptions): readonly SchemaFault[] {
  return visitSchemas(root, (schema, path) => {
    const native = !allowsNative && nativeKeywords.some((keyword) => keyword in schema) ? [nativeReason] : []
    return [...native, ...faultsOf(schema, path)].map((reason) => ({ path, reason }))
  })
}

/** What is found in one subschema, given where it is. */
type FindIn = (schema: JsonSchema, path: string) => readonly SchemaFault[]

/** What is found in a schema and in everything inside it, each looked at once. */
export function visitSchemas(root: JsonSchema, find: FindIn): readonly SchemaFault[] {
  const seen = new Set<JsonSchema>()
  const visit = (schema: JsonSchema, path: string): readonly SchemaFault[] => {
    if (seen.has(schema)) return []
    seen.add(schema)
    const inside = childrenOf(schema, path).flatMap((child) => visit(child.schema, child.path))
    return [...find(schema, path), ...inside]
  }
  return visit(root, '')
}

/** Its own validator would be given what it does not know. */
const nativeReason = 'int64(), bytes() and timestamp() are for TypeBox schemas'
const nativeKeywords = ['x-int64', 'x-bytes', 'x-timestamp']

const jsonTypes: ReadonlySet<string> = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])

function faultsOf(schema: JsonSchema, path: string): readonly string[] {
  const reasons: string[] = []
  for (const type of [schema[unexpressed], schema['type']].flat()) {
    // An output may be nothing at all.
    const isNothing = path === '' && (type === 'undefined' || type === 'void')
    if (typeof type === 'string' && !jsonTypes.has(type) && !isNothing)
      reasons.push(`${type} is nothing that JSON has${hintFor(type)}`)
  }
  if (schema['~codec'] !== undefined)
    reasons.push(
      'Type.Decode, Type.Encode and Type.Codec are not run: a schema describes the wire, transform in the handler',
    )
  for (const keyword of ['const', 'enum', 'default'])
    if (keyword in schema && !isJson(schema[keyword])) reasons.push(`its ${keyword} is no JSON value`)
  return [...reasons, ...patternFaults(schema)]
}

function hintFor(type: string): string {
  const hints: Readonly<Record<string, string>> = {
    bigint: '; use int64() in a TypeBox schema',
    date: '; use text with the format date-time',
    undefined: '; make the field optional',
  }
  return hints[type.toLowerCase()] ?? ''
}

function patternFaults({ pattern, patternProperties }: JsonSchema): readonly string[] {
  const patterns = [
    ...(typeof pattern === 'string' ? [pattern] : []),
    ...Object.keys(Object(patternProperties) as object),
  ]
  return patterns.flatMap((text) => {
    try {
      new RegExp(text, 'u')
      return []
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)]
    }
  })
}

function isJson(value: unknown): boolean {
  if (value === null || ['string', 'boolean'].includes(typeof value)) return true
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'object' && Object.values(value).every(isJson)
}

/** Keywords that hold one schema, several, or several by name. */
const one = ['items', 'additionalItems', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties']
const oneOfLogic = ['not', 'if', 'then', 'else', 'contains', 'propertyNames']
const several = ['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items']
const named = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']

interface Child {
  readonly schema: JsonSchema
  readonly path: string
}

function childrenOf(schema: JsonSchema, path: string): readonly Child[] {
  const single = [...one, ...oneOfLogic].map((keyword) => [keyword, schema[keyword]] as const)
  const listed = several.flatMap((keyword) => {
    const schemas = schema[keyword]
    return Array.isArray(schemas) ? schemas.map((item: unknown, index) => [`${keyword}/${index}`, item] as const) : []
  })
  const byName = named.flatMap((keyword) =>
    Object.entries(Object(schema[keyword]) as object).map(
      ([name, item]: [string, unknown]) =>
        [`${keyword}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, item] as const,
    ),
  )
  return [...single, ...listed, ...byName].flatMap(([place, child]) =>
    isSchema(child) ? [{ schema: child, path: `${path}/${place}` }] : [],
  )
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
