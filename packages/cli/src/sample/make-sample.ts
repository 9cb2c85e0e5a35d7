import { type JsonSchema } from '@tenon/core/contract'
import { SchemaDocument } from '@tenon/core/transport'
import { makeText } from './make-text.ts'

/** No sample can be made of a schema: the message names the field. */
export class SampleError extends Error {
  override readonly name = 'SampleError'
}

/**
 * A value in the form of JSON that a schema allows, as far as its keywords tell: only what is required, and lists as short as
 * they may be.
 *
 * @throws SampleError
 */
export function makeSample(schema: JsonSchema): unknown {
  return new SampleMaker(new SchemaDocument(schema)).make(schema, '')
}

/** What a recursive schema needs at most of levels before it can end. A guess. */
const mostDepth = 16

class SampleMaker {
  readonly #document: SchemaDocument

  constructor(document: SchemaDocument) {
    this.#document = document
  }

  make(given: JsonSchema, field: string): unknown {
    if (field.split('/').length > mostDepth) throw new SampleError(`${field}: the schema goes on for ever`)
    const schema = this.#flat(given)
    if ('const' in schema) return schema['const']
    if ('default' in schema) return schema['default']
    const [choice] = listOf(schema['enum'])
    if (choice !== undefined) return choice
    const alternatives = [...schemasOf(schema['anyOf']), ...schemasOf(schema['oneOf'])]
    if (alternatives.length > 0) return this.#firstOf(schema, alternatives, field)
    return this.#ofType(schema, field)
  }

  /** The schema with what its reference and its `allOf` say as well. */
  #flat(schema: JsonSchema): JsonSchema {
    const target = this.#document.targetOf(schema)
    const parts = [...(target ? [target] : []), ...schemasOf(schema['allOf'])].map((part) => this.#flat(part))
    return parts.reduce((whole, part) => merged(whole, part), schema)
  }

  #firstOf(schema: JsonSchema, alternatives: readonly JsonSchema[], field: string): unknown {
    const { anyOf: _any, oneOf: _one, ...common } = schema
    const failures: SampleError[] = []
    for (const alternative of alternatives) {
      try {
        return this.make(merged(common, this.#flat(alternative)), field)
      } catch (error) {
        if (!(error instanceof SampleError)) throw error
        failures.push(error)
      }
    }
    throw failures[0] ?? new SampleError(`${field || '/'}: nothing fits`)
  }

  #ofType(schema: JsonSchema, field: string): unknown {
    const [type = 'properties' in schema ? 'object' : 'null'] = listOf(schema['type'] ?? [])
    switch (type) {
      case 'object':
        return this.#objectOf(schema, field)
      case 'array':
        return this.#listOf(schema, field)
      case 'integer':
      case 'number':
        return numberOf(schema, field)
      case 'boolean':
        return true
      case 'null':
        return null
      default:
        return textOf(schema, field)
    }
  }

  #objectOf(schema: JsonSchema, field: string): unknown {
    const properties = isSchema(schema['properties']) ? schema['properties'] : {}
    const names = listOf(schema['required'] ?? []).map(String)
    return Object.fromEntries(
      names.map((name) => [name, this.make(toSchema(properties[name]), `${field}/${name}`)] as const),
    )
  }

  #listOf(schema: JsonSchema, field: string): unknown {
    // A tuple of TypeBox says the same in `items`.
    const first = [...schemasOf(schema['prefixItems']), ...schemasOf(schema['items'])]
    const count = Math.max(first.length, Number(schema['minItems'] ?? 0))
    return Array.from({ length: count }, (_, index) =>
      this.make(first[index] ?? toSchema(schema['items']), `${field}/${index}`),
    )
  }
}

function textOf(schema: JsonSchema, field: string): string {
  const text = makeText(schema)
  if (text !== undefined) return text
  const { pattern, format } = schema
  throw new SampleError(`${field || '/'}: no text was found for ${JSON.stringify({ pattern, format })}`)
}

function numberOf(schema: JsonSchema, field: string): number {
  const step = Number(schema['multipleOf'] ?? 1)
  const isWhole = schema['type'] === 'integer' || 'multipleOf' in schema
  const lowest = Math.max(bound(schema, 'minimum'), bound(schema, 'exclusiveMinimum'))
  const above = lowest === Number.NEGATIVE_INFINITY ? 1 : lowest
  const below = Math.min(
    Number(schema['maximum'] ?? Number.POSITIVE_INFINITY),
    Number(schema['exclusiveMaximum'] ?? Number.POSITIVE_INFINITY),
  )
  const candidates = isWhole
    ? [Math.ceil(above / step) * step, (Math.floor(above / step) + 1) * step, Math.floor(below / step) * step]
    : [above, (above + below) / 2, above + 1, below, below - 1]
  const fits = (value: number) =>
    Number.isFinite(value) &&
    value >= Number(schema['minimum'] ?? value) &&
    value <= Number(schema['maximum'] ?? value) &&
    value > Number(schema['exclusiveMinimum'] ?? Number.NEGATIVE_INFINITY) &&
    value < Number(schema['exclusiveMaximum'] ?? Number.POSITIVE_INFINITY)
  const found = candidates.find(fits)
  if (found === undefined) throw new SampleError(`${field || '/'}: no number was found in its range`)
  return found
}

/** A lower bound, or none. */
function bound(schema: JsonSchema, name: string): number {
  return Number(schema[name] ?? Number.NEGATIVE_INFINITY)
}

/** Two schemas of one value as one; fields of both count. */
function merged(one: JsonSchema, other: JsonSchema): JsonSchema {
  const [ones, others] = [one, other].map(({ properties }) => (isSchema(properties) ? properties : {}))
  return {
    ...one,
    ...other,
    ...(one['properties'] === undefined && other['properties'] === undefined
      ? {}
      : { properties: { ...ones, ...others } }),
    required: [...new Set([...listOf(one['required'] ?? []), ...listOf(other['required'] ?? [])])],
  }
}

function schemasOf(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.filter(isSchema) : []
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as readonly unknown[]) : [value]
}

/** `true` allows anything. */
function toSchema(value: unknown): JsonSchema {
  return isSchema(value) ? value : {}
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
