import { bytesRangeOf, int64RangeOf, isTimestamp, type JsonSchema } from '@tenon/core/contract'

/** What a value is on the wire. */
export type Form =
  | 'text'
  | 'bytes'
  | 'bool'
  | 'int64'
  | 'double'
  | 'enum'
  | 'list'
  | 'record'
  | 'message'
  | 'union'
  | 'nullable'
  | 'timestamp'
  | 'value'

type Schemas = Readonly<Record<string, JsonSchema>>

/** Looks into one schema, by the rules of the README of the transport, and shares nothing with it. */
export class WireSchema {
  readonly #named: Schemas

  constructor(root: JsonSchema) {
    this.#named = definitionsIn(root)
  }

  /** How a value of a schema is written; of what no schema describes, as what it is. */
  formOf(given: JsonSchema, value: unknown): Form {
    const schema = this.follow(given)
    if (int64RangeOf(schema) || schema['type'] === 'integer') return 'int64'
    if (bytesRangeOf(schema)) return 'bytes'
    if (isTimestamp(schema)) return 'timestamp'
    if (textsOf(schema)) return 'enum'
    const variants = variantsOf(schema)
    if (variants) return this.#unionForm(schema, variants)
    if (schema['type'] === 'array') return isList(schema) ? 'list' : 'value'
    if (schema['type'] === 'boolean' || typeof value === 'boolean') return 'bool'
    if (schema['type'] === 'number' || typeof value === 'number') return 'double'
    // A text is bytes on the wire, and only as bytes can half of a surrogate pair be written.
    if (typeof value === 'string' && !value.isWellFormed()) return 'bytes'
    if (schema['type'] === 'string' || typeof value === 'string') return 'text'
    return entryOf(schema) ? 'record' : 'message'
  }

  #unionForm(schema: JsonSchema, variants: readonly JsonSchema[]): Form {
    if (variants.some(isNull)) return 'nullable'
    return this.markOf(schema) === undefined ? 'value' : 'union'
  }

  /** The field whose constant tells the alternatives of a union apart. */
  markOf(schema: JsonSchema): string | undefined {
    const [first, ...others] = this.alternativesOf(schema)
    if (first === undefined) return undefined
    const names = Object.keys(propertiesOf(first))
    return names.find((name) => [first, ...others].every((one) => 'const' in (propertiesOf(one)[name] ?? {})))
  }

  alternativesOf(schema: JsonSchema): readonly JsonSchema[] {
    return (variantsOf(this.follow(schema)) ?? []).map((variant) => this.follow(variant))
  }

  /** What a value is that is not null. */
  presentOf(schema: JsonSchema): JsonSchema {
    const [only = {}, ...others] = (variantsOf(this.follow(schema)) ?? []).filter((variant) => !isNull(variant))
    return others.length === 0 ? only : { anyOf: [only, ...others] }
  }

  /** Whether null is the absence of the field. */
  isAbsence(schema: JsonSchema, isRequired: boolean): boolean {
    if (!isRequired || 'default' in schema) return false
    return !['list', 'record'].includes(this.formOf(this.presentOf(schema), undefined))
  }

  follow(schema: JsonSchema): JsonSchema {
    const reference = schema['$ref']
    if (typeof reference !== 'string') return schema
    return this.follow(this.#named[reference.replace('#/$defs/', '')] ?? {})
  }

  /** The declared fields of a message with their schemas, and behind them those that a value has beyond. */
  fieldsOf(given: JsonSchema, value: object, mark?: string): readonly WireField[] {
    const schema = this.follow(given)
    const declared = propertiesOf(schema)
    const required = (schema['required'] ?? []) as readonly string[]
    const strays = Object.keys(value).filter((name) => !Object.hasOwn(declared, name))
    const all: readonly [string, JsonSchema][] = [
      ...Object.entries(declared),
      ...strays.map((name) => [name, {}] as [string, JsonSchema]),
    ]
    return all
      .filter(([name]) => name !== mark)
      .map(([name, field], index) => ({ name, number: index + 1, schema: field, isRequired: required.includes(name) }))
  }
}

export interface WireField {
  readonly name: string
  readonly number: number
  readonly schema: JsonSchema
  readonly isRequired: boolean
}

/** The texts of a choice of texts. */
export function textsOf(schema: JsonSchema): readonly string[] | undefined {
  const values: unknown = variantsOf(schema)?.map((variant) => variant['const']) ?? schema['enum'] ?? [schema['const']]
  return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined
}

export function itemsOf(schema: JsonSchema): JsonSchema {
  return (schema['items'] ?? {}) as JsonSchema
}

/** The schema of a record's values. */
export function entryOf(schema: JsonSchema): JsonSchema | undefined {
  return Object.values((schema['patternProperties'] ?? {}) as Schemas)[0]
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function definitionsIn(value: unknown): Schemas {
  if (typeof value !== 'object' || value === null) return {}
  const own = '$defs' in value && isRecord(value.$defs) ? (value.$defs as Schemas) : {}
  return Object.assign({}, ...Object.values(value).map(definitionsIn), own) as Schemas
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] | undefined {
  return (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
}

function propertiesOf(schema: JsonSchema): Schemas {
  return (schema['properties'] ?? {}) as Schemas
}

function isNull(schema: JsonSchema): boolean {
  return schema['type'] === 'null'
}

function isList(schema: JsonSchema): boolean {
  return isRecord(schema['items']) && !('prefixItems' in schema)
}
