import Schema from 'typebox/schema'
import { compileCensor } from './censor.ts'
import { type HardCopies, hardenSchema } from './rule/harden-schema.ts'
import { compileJsonReaders } from './native/json-conversion.ts'
import type { JsonSchema } from './schema.ts'
import { SchemaDocument } from './schema-view.ts'
import { compileFills } from './shaper.ts'
import { isStackOverflow } from './stack-overflow.ts'
import { type SchemaFault, visitSchemas } from './unusable-schema.ts'
import { toViolations, type ValidatorError } from './rule/violation.ts'

/**
 * Every default of a JSON Schema that does not fit where it stands, as a reader would find it there: a value that nobody sent,
 * and that each call would be refused for which leaves the field out. A library's own rules are not asked.
 */
export function findBadDefaults(root: JsonSchema): readonly SchemaFault[] {
  if (!hasDefault(root)) return []
  const paths = new Map<JsonSchema, string>()
  visitSchemas(root, (schema, path) => {
    paths.set(schema, path)
    return []
  })
  const document = new SchemaDocument(root)
  const misfits = compileMisfits(root, document)
  const faults = placesIn([root, ...paths.keys()], document).flatMap((place) => {
    const owner = document.defaultOwner(place)
    const reasons = owner ? misfits(place) : []
    if (owner === undefined || reasons.length === 0) return []
    const own = place.length === 1 && place[0] === owner ? reasons : misfits([owner])
    const path = paths.get(owner) ?? ''
    return reasons.map((reason) => ({ path, reason: own.includes(reason) ? reason : `${reason}${saidElsewhere}` }))
  })
  return [...new Map(faults.map((fault) => [`${fault.path}\n${fault.reason}`, fault])).values()]
}

const saidElsewhere = ', as another schema of the same field says'

/** Also true for a field of that name, which only costs a look. */
function hasDefault(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return 'default' in value || Object.values(value).some(hasDefault)
}

/** The schemas that hold together for one value. */
type Place = readonly JsonSchema[]

/** Each place with a default of its own, and each field of which more is said than by one schema: by parts of an `allOf`, or beside a reference. */
function placesIn(schemas: Iterable<JsonSchema>, document: SchemaDocument): readonly Place[] {
  const places: Place[] = []
  const seen = new Set<string>()
  const enter = (place: Place): void => {
    const key = document.keyOf(place)
    if (seen.has(key)) return
    seen.add(key)
    const { fields, patterns, others, prefix, items } = document.commonView(place)
    const composed = [...fields.values()].filter(isComposed)
    places.push(...composed)
    const entries = [...patterns.map((pattern) => pattern.schemas), others, ...prefix, items]
    for (const inner of [...composed, ...entries]) if (inner.length > 1) enter(inner)
  }
  for (const schema of schemas) {
    if ('default' in schema) places.push([schema])
    if ('properties' in schema || isComposed([schema])) enter([schema])
  }
  return places
}

function isComposed([schema, ...more]: Place): boolean {
  return more.length > 0 || (schema !== undefined && ('allOf' in schema || '$ref' in schema))
}

/** What is wrong with the default of a place. Whatever is made of the whole schema is made once. */
function compileMisfits(root: JsonSchema, document: SchemaDocument): (place: Place) => readonly string[] {
  const fill = compileFills(document)
  const fromJson = compileJsonReaders(root, document)
  const errorsAt = compileErrors(root, document)
  return (place) => {
    try {
      const initial = document.defaultOwner(place)?.['default']
      // Only inside of an object or a list is there anything to fill.
      const filled = typeof initial === 'object' ? fill(place)?.(undefined) : initial
      const convert = fromJson?.(place)
      const value = convert ? convert(filled) : filled
      const errors = errorsAt(place, value)
      if (errors.length === 0) return []
      const violations = compileCensor(root, { document, schemas: place })(toViolations(errors), value)
      return violations.map(({ field, message }) => `its default${field ? ` at ${field}` : ''} ${message}`)
    } catch (error) {
      // A default that has, somewhere inside of it, the field it is the default of.
      if (isStackOverflow(error)) return ['its default is nested without end']
      throw error
    }
  }
}

/** Interpreted: to run once, a function made of the schema would cost far more than it saves. */
function compileErrors(root: JsonSchema, document: SchemaDocument): (place: Place, value: unknown) => ValidatorErrors {
  const copies = linkedCopies(root, document)
  return (place, value) => {
    const parts = place.map((schema) => copies.get(schema) ?? {})
    const [part = {}, ...more] = parts
    return Schema.Errors(more.length > 0 ? { allOf: parts } : part, value)[1]
  }
}

type ValidatorErrors = readonly ValidatorError[]

/**
 * The hardened copy of each part of a schema, where what a reference leads to stands in its place: so each part is a schema
 * of its own, and nothing is searched by name in a document that now runs in circles.
 */
function linkedCopies(root: JsonSchema, document: SchemaDocument): ReadonlyMap<JsonSchema, JsonSchema> {
  const copies: HardCopies = new Map()
  hardenSchema(root, copies)
  for (const [schema, copy] of copies) {
    const target = copies.get(document.targetOf(schema) ?? schema)
    if (target && target !== copy) copy['allOf'] = [target, ...[copy['allOf'] ?? []].flat()]
    for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef', '$id']) delete copy[keyword]
  }
  return copies
}
