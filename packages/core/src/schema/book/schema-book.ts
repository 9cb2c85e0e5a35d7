import { int64RangeOf } from '../native/int64.ts'
import type { JsonSchema } from '../schema.ts'
import { isSecret } from '../secret.ts'
import { closureOf, isSchema, readReference, type Scope } from './schema-reference.ts'

/**
 * Turns the schemas of contracts into those of one document, such as OpenAPI 3.1. A schema with an `$id`, a schema that others refer to, and
 * an object with a title stand under `components/schemas`; all others stand where they are used.
 */
export class SchemaBook {
  readonly #names = new Map<string, string>()
  readonly #components = new Map<string, JsonSchema>()

  /** The components so far, by name in alphabetical order. */
  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  }

  /**
   * A schema of the document for a schema of a contract.
   *
   * @param hint Begins the name of a part that others refer to and that has no name of its own.
   */
  add(schema: JsonSchema, hint: string): JsonSchema {
    return this.#convert(schema, { root: schema, defs: [], hint })
  }

  /** Puts a schema that is written for OpenAPI under a name, and refers to it. */
  put(name: string, schema: JsonSchema): JsonSchema {
    this.#components.set(name, schema)
    return this.refer(name)
  }

  /** A schema that stands for the component of a name. */
  refer(name: string): JsonSchema {
    return { $ref: `#/components/schemas/${name}` }
  }

  #convert(schema: JsonSchema, outer: Scope): JsonSchema {
    const scope = isSchema(schema['$defs']) ? { ...outer, defs: [schema['$defs'], ...outer.defs] } : outer
    const name = ownName(schema)
    if (name !== undefined && !('$ref' in schema)) return this.#component(name, { schema, scope })
    return this.#inline(schema, scope)
  }

  #component(name: string, { schema, scope }: Named): JsonSchema {
    const closure = closureOf(schema, scope)
    const known = this.#names.get(`${name} ${closure}`)
    if (known !== undefined) return this.refer(known)
    const free = this.#freeName(name)
    // Reserved before it is filled, for a schema may refer to itself.
    this.#names.set(`${name} ${closure}`, free)
    this.#components.set(free, {})
    this.#components.set(free, this.#inline(schema, scope))
    return this.refer(free)
  }

  #freeName(name: string): string {
    for (let count = 2, free = name; ; count += 1) {
      if (!this.#components.has(free)) return free
      free = `${name}${count}`
    }
  }

  #inline(schema: JsonSchema, scope: Scope): JsonSchema {
    const entries = Object.entries(schema).flatMap(([keyword, value]) => this.#keyword(keyword, value, scope))
    return Object.fromEntries([...entries, ...factsOf(schema)])
  }

  #keyword(keyword: string, value: unknown, scope: Scope): readonly Entry[] {
    if (dropped.has(keyword) || keyword.startsWith('~')) return []
    if (keyword === '$ref') return Object.entries(this.#reference(String(value), scope))
    if (schemasByName.has(keyword) && isSchema(value)) return [[keyword, this.#convertNamed(value, scope)]]
    if (schemaLists.has(keyword) && Array.isArray(value)) return [this.#convertList(keyword, value, scope)]
    if (singleSchemas.has(keyword) && isSchema(value)) return [[keyword, this.#convert(value, scope)]]
    if (keyword === 'additionalItems') return [['items', value === false ? nothing : value]]
    return [[keyword, value]]
  }

  #convertNamed(schemas: JsonSchema, scope: Scope): JsonSchema {
    const entries = Object.entries(schemas)
    return Object.fromEntries(
      entries.map(([name, one]) => [name, isSchema(one) ? this.#convert(one, scope) : one] as const),
    )
  }

  /** A list of items is a tuple, which draft 2020-12 writes with another word. */
  #convertList(keyword: string, values: readonly unknown[], scope: Scope): Entry {
    const converted = values.map((one) => (isSchema(one) ? this.#convert(one, scope) : one))
    return [keyword === 'items' ? 'prefixItems' : keyword, converted]
  }

  #reference(reference: string, scope: Scope): JsonSchema {
    const found = readReference(reference, scope)
    // A schema that refers to nothing was refused when its contract was made; one of another document stays as it is.
    if (found === undefined) return { $ref: reference }
    return this.#component(ownName(found.schema) ?? found.name, found)
  }
}

/** `false` by another word: linters ask for a schema. */
const nothing: JsonSchema = { not: {} }

type Entry = readonly [keyword: string, value: unknown]

interface Named {
  readonly schema: JsonSchema
  readonly scope: Scope
}

/** What says something to others than the readers of the document. */
const dropped = new Set(['$id', '$schema', '$defs', 'definitions', 'x-int64', 'x-bytes', 'x-timestamp', 'x-form-part'])

const schemasByName = new Set(['properties', 'patternProperties', 'dependentSchemas'])
const schemaLists = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'])
const singleSchemas = new Set([
  'items',
  'additionalItems',
  'additionalProperties',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contains',
  'contentSchema',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
])

/** Made of more than one value, so that a title names a type rather than a field. */
function isComposed(schema: JsonSchema): boolean {
  return schema['type'] === 'object' || ['anyOf', 'oneOf', 'allOf', 'enum'].some((keyword) => keyword in schema)
}

/** The name a schema gives itself, as a component may have it. @see OpenAPI 3.1, components object: the form of its keys */
function ownName(schema: JsonSchema): string | undefined {
  const { $id, title } = schema
  const given = typeof $id === 'string' ? $id.split(/[/#]/).findLast((part) => part !== '') : undefined
  return toName(given ?? (typeof title === 'string' && isComposed(schema) ? title : ''))
}

/** `A user` becomes `AUser`; undefined where no letter or digit is left. */
function toName(text: string): string | undefined {
  const words = text.split(/[^A-Za-z0-9._-]+/).filter((word) => /[A-Za-z0-9]/.test(word))
  const [only, ...others] = words
  if (only === undefined || others.length === 0) return only
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** The range of integers that JSON carries exactly, where the schema has no narrower one. @see RFC 8259 section 6 */
function safeRangeOf(schema: JsonSchema): readonly Entry[] {
  const types = [schema['type']].flat()
  if (!types.includes('integer') || types.includes('number') || 'enum' in schema || 'const' in schema) return []
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  const isBounded = (...limits: readonly unknown[]) =>
    limits.some((limit) => typeof limit === 'number' && Math.abs(limit) <= Number.MAX_SAFE_INTEGER)
  return [
    ...(isBounded(minimum, exclusiveMinimum) ? [] : [['minimum', Number.MIN_SAFE_INTEGER] as const]),
    ...(isBounded(maximum, exclusiveMaximum) ? [] : [['maximum', Number.MAX_SAFE_INTEGER] as const]),
  ]
}

/** What a reader learns from words that OpenAPI has none for. */
function factsOf(schema: JsonSchema): readonly Entry[] {
  const range = int64RangeOf(schema)
  const described = typeof schema['description'] === 'string' ? `${schema['description']} ` : ''
  return [
    ...safeRangeOf(schema),
    ...(range === undefined
      ? []
      : [['description', `${described}A whole number from ${range.minimum} to ${range.maximum}, as text.`] as const]),
    // Not writeOnly: what is secret may still be told once, such as a key that was made.
    ...(isSecret(schema) && schema['type'] === 'string' && !('format' in schema)
      ? [['format', 'password'] as const]
      : []),
  ]
}
