import type { JsonSchema } from '@tenon/core/contract'
import type { SchemaDocument } from '@tenon/core/transport'

/** A schema with the JSON pointer of where it stands. */
export interface Placed {
  readonly schema: JsonSchema
  readonly path: string
}

/** What a schema allows, null apart. */
export interface Variants {
  readonly path: string
  /** The schema without references. */
  readonly whole: JsonSchema
  readonly isNullable: boolean
  readonly others: readonly Variant[]
  /** Why nothing is known of it. */
  readonly unfit: string | undefined
}

/** One of the schemas of a union, those of unions in it included. */
export interface Variant extends Placed {
  /** As it stands in the union. */
  readonly given: JsonSchema
  /** Without references: where `schema` is a part of it, the whole. */
  readonly origin: JsonSchema
}

/** The schemas a value may have beside null, unions and choices of types taken apart. */
export function variantsOf(placed: Placed, document: SchemaDocument): Variants {
  const whole = resolve(placed.schema, document)
  const facts = { path: placed.path, isNullable: false, others: [] }
  if (typeof whole === 'string') return { ...facts, whole: placed.schema, unfit: whole }
  const parts = split({ ...placed, given: placed.schema }, document, new Set())
  const strange = parts.find((part) => typeof part === 'string')
  const others = parts.filter((part) => typeof part === 'object')
  return { ...facts, whole, isNullable: parts.includes(undefined), others, unfit: strange }
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Follows references; a text says why one leads nowhere. */
export function resolve(schema: JsonSchema, document: SchemaDocument): JsonSchema | string {
  const seen = new Set<JsonSchema>()
  let found = schema
  while (typeof found['$ref'] === 'string') {
    const target = document.targetOf(found)
    if (target === undefined) return `a reference to ${found['$ref']}, which is not in the schema`
    if (seen.has(target)) return 'a reference that leads to nothing but itself'
    seen.add(target)
    found = target
  }
  return found
}

/** A schema beside null, null as undefined, or what is wrong with it as a text. */
type Part = Variant | undefined | string

interface Given extends Placed {
  readonly given: JsonSchema
}

function split({ given, path }: Given, document: SchemaDocument, seen: ReadonlySet<JsonSchema>): readonly Part[] {
  const schema = resolve(given, document)
  if (typeof schema === 'string') return [schema]
  if (seen.has(schema)) return ['a union of nothing but itself']
  const inside = membersOf(schema, document)
  if (inside) {
    const all = new Set([...seen, schema])
    return inside.flatMap(({ place, member }) =>
      split({ schema: member, given: member, path: `${path}${place}` }, document, all),
    )
  }
  return byType(schema).map((part) => part && { schema: part, given, path, origin: schema })
}

interface Member {
  readonly place: string
  readonly member: JsonSchema
}

/** What a schema says beside its union that makes it more than one. */
const beside = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'items',
  'prefixItems',
  'const',
  'enum',
  'if',
]

/** The members of a union, or the one schema that others only narrow; undefined for what is neither. */
function membersOf(schema: JsonSchema, document: SchemaDocument): readonly Member[] | undefined {
  const [keyword, ...more] = ['anyOf', 'oneOf', 'allOf'].filter((one) => Array.isArray(schema[one]))
  if (keyword === undefined || more.length > 0 || beside.some((one) => one in schema)) return undefined
  const members = (schema[keyword] as readonly JsonSchema[]).map((member, index) => ({
    place: `/${keyword}/${index}`,
    member,
  }))
  if (keyword !== 'allOf') return members
  const typed = members.filter(({ member }) => saysType(member, document))
  return typed.length === 1 && schema['type'] === undefined ? typed : undefined
}

function saysType(schema: JsonSchema, document: SchemaDocument): boolean {
  const found = resolve(schema, document)
  return typeof found === 'string' || typeKeywords.some((keyword) => keyword in found)
}

const typeKeywords = [
  'type',
  'const',
  'enum',
  'anyOf',
  'oneOf',
  'allOf',
  'properties',
  'required',
  'items',
  'prefixItems',
]

/** A schema for each of its types; undefined stands for null. */
function byType(schema: JsonSchema): readonly (JsonSchema | undefined)[] {
  const types = 'type' in schema ? [schema['type']].flat() : [undefined]
  const constants = 'const' in schema ? [schema['const']] : schema['enum']
  const isChoice = Array.isArray(constants)
  const typeAllows = types.includes('null') || (isChoice && !('type' in schema))
  const isNullable = typeAllows && (!isChoice || constants.includes(null))
  const others = types.filter((type) => type !== 'null')
  const hasOthers = !isChoice || constants.some((constant) => constant !== null)
  const parts = hasOthers ? others.map((type) => narrowed(schema, type)) : []
  return isNullable ? [undefined, ...parts] : parts
}

/** The schema for one of its types, without null among its constants; itself where that is all it is. */
function narrowed(schema: JsonSchema, type: unknown): JsonSchema {
  const { enum: choice } = schema
  const hasNull = Array.isArray(choice) && choice.includes(null)
  if (type === schema['type'] && !hasNull) return schema
  const typed = type === undefined ? schema : { ...schema, type }
  return hasNull ? { ...typed, enum: choice.filter((constant) => constant !== null) } : typed
}
