import type { JsonSchema } from '../schema.ts'
import { boundedPattern } from './bounded-pattern.ts'
import { formatCheck } from './format.ts'
import { type NativeSchema, nativeSchemaOf } from '../native/native-type.ts'
import type { Refinement } from './refinement.ts'
import { wholeName } from '../schema-view.ts'
import { unicodeChecks } from './unicode.ts'

/** What was made of each part of a schema. */
export type HardCopies = Map<JsonSchema, Record<string, unknown>>

/**
 * The schema that is really checked: an integer lies in the range that JSON can carry exactly, `int64()`, `bytes()` and
 * `timestamp()` are what a handler sees, a format is checked where the validator would not, a pattern only on a text that is
 * no longer than it may be, and a choice of constants is one `enum` without a `type`, so that every schema library's violations
 * read alike.
 *
 * @param copies Receives what was made of each part.
 * @see RFC 8259 section 6, on integers in the range of IEEE 754
 */
export function hardenSchema(schema: JsonSchema, copies?: HardCopies): JsonSchema {
  const native = nativeSchemaOf(schema)
  const copy = native ? { '~refine': [...native.checks, ...ownChecks(schema, native)] } : harden(schema, copies)
  copies?.set(schema, copy)
  return copy
}

function harden(schema: JsonSchema, copies: HardCopies | undefined): Record<string, unknown> {
  const copy = clone(schema, copies)
  const types = [copy['type']].flat()
  if (types.includes('integer') && !types.includes('number')) {
    copy['minimum'] = Math.max(Number(copy['minimum'] ?? Number.MIN_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
    copy['maximum'] = Math.min(Number(copy['maximum'] ?? Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  }
  for (const union of ['anyOf', 'oneOf']) {
    const constants = constantsOfUnion(copy[union])
    if (constants === undefined || constants.every((constant) => constant === null)) continue
    delete copy[union]
    copy['enum'] = constants
  }
  dropImpliedType(copy)
  const format = formatCheck(copy['format'])
  if (format) delete copy['format']
  const pattern = boundedPattern(copy)
  if (pattern) delete copy['pattern']
  const checks = [format, pattern, ...unicodeChecks(schema)].filter((check) => check !== undefined)
  if (checks.length > 0) copy['~refine'] = [...checks, ...refinementsOf(schema)]
  return copy
}

/** A schema's own refinements, which expect its type. */
function ownChecks(schema: JsonSchema, { type }: NativeSchema): readonly Refinement[] {
  return refinementsOf(schema).map(({ check, error }) => ({ check: (value) => !type.is(value) || check(value), error }))
}

/** What `Type.Refine()` adds to a schema. */
function refinementsOf(schema: JsonSchema): readonly Refinement[] {
  return (schema['~refine'] ?? []) as readonly Refinement[]
}

/** Keywords whose values are data, not schemas. */
const dataKeywords = new Set(['default', 'const', 'enum', 'examples', 'required', 'dependentRequired'])

/** Copies what is enumerable in depth and keeps the rest, where TypeBox stores its kinds and refinements. */
function clone(value: JsonSchema, copies: HardCopies | undefined): Record<string, unknown> {
  const copy = Object.create(Object.getPrototypeOf(value) as object) as Record<string, unknown>
  for (const [keyword, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
    const child: unknown = descriptor.value
    const value = descriptor.enumerable && !dataKeywords.has(keyword) ? cloneChild(child, keyword, copies) : child
    Object.defineProperty(copy, keyword, { ...descriptor, value, writable: true, configurable: true })
  }
  return copy
}

/** Keywords whose value maps names to schemas; a name may be spelt like a keyword. */
const mapKeywords = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])

function cloneChild(child: unknown, keyword: string, copies: HardCopies | undefined): unknown {
  if (typeof child !== 'object' || child === null) return child
  if (Array.isArray(child)) return child.map((item: unknown) => cloneChild(item, '', copies))
  if (!mapKeywords.has(keyword)) return hardenSchema(child as JsonSchema, copies)
  const toName = keyword === 'patternProperties' ? wholeName : (name: string) => name
  return Object.fromEntries(
    Object.entries(child).map(([name, schema]) => [toName(name), cloneChild(schema, '', copies)]),
  )
}

/** The values a union allows, when it is nothing but a choice of values. */
function constantsOfUnion(variants: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(variants) || variants.length === 0) return undefined
  const choices = variants.map(constantsOf)
  return choices.includes(undefined) ? undefined : choices.flatMap((choice) => choice ?? [])
}

function constantsOf(variant: unknown): readonly unknown[] | undefined {
  if (typeof variant !== 'object' || variant === null) return undefined
  if ('const' in variant) return [variant.const]
  if ('enum' in variant && Array.isArray(variant.enum)) return variant.enum
  return 'type' in variant && variant.type === 'null' ? [null] : undefined
}

/** Some libraries state the type of a constant beside it, which a wrong value would break a second time. */
function dropImpliedType(schema: Record<string, unknown>): void {
  const constants = 'const' in schema ? [schema['const']] : schema['enum']
  if (!Array.isArray(constants)) return
  if (constants.every((constant) => typeof constant === schema['type'])) delete schema['type']
}
