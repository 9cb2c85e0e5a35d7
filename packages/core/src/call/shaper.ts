import type { JsonSchema } from '../contract/schema.ts'

/** Brings a value into the shape of its schema before it is checked. */
export interface Shaper {
  /** The value without undeclared fields and without fields whose value is undefined; a copy only where something was dropped. */
  strip(value: unknown): unknown
  /** Fills in defaults, in place. */
  fill(value: unknown): unknown
}

type Step = (value: unknown) => unknown
type Compile = (schema: JsonSchema) => Step | undefined

/** Compiles a JSON Schema to the two steps; a part of a schema that asks for nothing costs nothing. */
export function compileShaper(root: JsonSchema): Shaper {
  return {
    strip: memoized(root, compileStrip)(root) ?? identity,
    fill: memoized(root, compileFill)(root) ?? identity,
  }
}

const identity: Step = (value) => value

/** Follows `$ref`; a definition that refers to itself is compiled once and called through a late-bound step. */
function memoized(root: JsonSchema, compile: (schema: JsonSchema, next: Compile) => Step | undefined): Compile {
  const byReference = new Map<string, { step: Step | undefined }>()
  const next: Compile = (schema) => {
    const reference = schema['$ref']
    if (typeof reference !== 'string') return compile(schema, next)
    const known = byReference.get(reference)
    if (known) return (value) => known.step?.(value) ?? value
    const slot: { step: Step | undefined } = { step: undefined }
    byReference.set(reference, slot)
    slot.step = compile(resolveReference(root, reference), next)
    return slot.step
  }
  return next
}

/** @see RFC 6901, and JSON Schema 2020-12 section 8.2.3 */
function resolveReference(root: JsonSchema, reference: string): JsonSchema {
  const definitions = root['$defs'] as Record<string, JsonSchema> | undefined
  if (!reference.startsWith('#')) return definitions?.[reference] ?? {}
  const names = reference.slice(1).split('/').slice(1).map(unescapePointer)
  return names.reduce<JsonSchema>((schema, name) => (schema[name] ?? {}) as JsonSchema, root)
}

function unescapePointer(name: string): string {
  return decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
}

function compileStrip(schema: JsonSchema, next: Compile): Step | undefined {
  const variants = variantsOf(schema)
  if (variants) return stripUnion(variants, next)
  const whole = Array.isArray(schema['allOf']) ? mergeObjects(schema['allOf'] as JsonSchema[], schema) : schema
  if (typeof whole['items'] === 'object' && whole['items'] !== null) return eachItem(next(whole['items'] as JsonSchema))
  if (typeof whole['properties'] === 'object') return stripObject(whole, next)
  return eachEntry(entrySchema(whole), next)
}

function compileFill(schema: JsonSchema, next: Compile): Step | undefined {
  const inner = compileFillInside(schema, next)
  if (!('default' in schema)) return inner
  const initial = schema['default']
  return (value) => {
    const filled = value === undefined ? structuredClone(initial) : value
    return inner ? inner(filled) : filled
  }
}

function compileFillInside(schema: JsonSchema, next: Compile): Step | undefined {
  if (typeof schema['items'] === 'object' && schema['items'] !== null)
    return eachItem(next(schema['items'] as JsonSchema))
  const fields = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).flatMap(([name, field]) => {
    const fill = next(field)
    return fill ? [{ name, fill }] : []
  })
  if (fields.length === 0) return undefined
  return (value) => {
    if (!isRecord(value)) return value
    for (const { name, fill } of fields) {
      const filled = fill(value[name])
      if (filled !== undefined) value[name] = filled
    }
    return value
  }
}

interface Field {
  readonly name: string
  readonly strip: Step | undefined
}

function stripObject(schema: JsonSchema, next: Compile): Step | undefined {
  const fields = Object.entries(schema['properties'] as Record<string, JsonSchema>).map(
    ([name, field]): Field => ({ name, strip: next(field) }),
  )
  const additional = schema['additionalProperties']
  // A closed object refuses what it does not declare, so nothing may be dropped before it is checked; an open one asked for everything.
  if (additional === false || (typeof additional === 'object' && additional !== null) || additional === true)
    return eachField(fields)
  return declaredFields(fields)
}

function eachField(fields: readonly Field[]): Step | undefined {
  const nested = fields.filter(({ strip }) => strip !== undefined)
  if (nested.length === 0) return undefined
  return (value) => (isRecord(value) ? stripNested(value, nested) : value)
}

function declaredFields(fields: readonly Field[]): Step {
  const declared = new Set(fields.map(({ name }) => name))
  const nested = fields.filter(({ strip }) => strip !== undefined)
  return (value) => {
    if (!isRecord(value)) return value
    for (const key in value) {
      if (!declared.has(key) || value[key] === undefined) return copyDeclared(value, fields)
    }
    return nested.length === 0 ? value : stripNested(value, nested)
  }
}

function copyDeclared(value: Record<string, unknown>, fields: readonly Field[]): unknown {
  const copy: Record<string, unknown> = {}
  for (const { name, strip } of fields) {
    const field = Object.hasOwn(value, name) ? value[name] : undefined
    if (field !== undefined) copy[name] = strip ? strip(field) : field
  }
  return copy
}

function stripNested(value: Record<string, unknown>, nested: readonly Field[]): unknown {
  let copy: Record<string, unknown> | undefined
  for (const { name, strip } of nested) {
    const field = value[name]
    if (field === undefined || strip === undefined) continue
    const stripped = strip(field)
    if (stripped === field) continue
    copy ??= { ...value }
    copy[name] = stripped
  }
  return copy ?? value
}

function eachItem(step: Step | undefined): Step | undefined {
  if (step === undefined) return undefined
  return (value) => {
    if (!Array.isArray(value)) return value
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index]
      const stepped = step(item)
      if (stepped === item) continue
      copy ??= [...value]
      copy[index] = stepped
    }
    return copy ?? value
  }
}

function entrySchema(schema: JsonSchema): JsonSchema | undefined {
  const patterns = schema['patternProperties'] as Record<string, JsonSchema> | undefined
  const [first] = patterns ? Object.values(patterns) : [schema['additionalProperties']]
  return typeof first === 'object' && first !== null ? (first as JsonSchema) : undefined
}

/** A record keeps every key but `__proto__`, which no reader may take for a prototype. */
function eachEntry(schema: JsonSchema | undefined, next: Compile): Step | undefined {
  if (schema === undefined) return undefined
  const strip = next(schema)
  return (value) => {
    if (!isRecord(value)) return value
    if (strip === undefined && !Object.hasOwn(value, '__proto__')) return value
    const copy: Record<string, unknown> = {}
    for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = strip ? strip(value[key]) : value[key]
    return copy
  }
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] | undefined {
  return (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined
}

/** The variant is chosen by a constant field where all have one; else a field that any variant declares is kept. */
function stripUnion(variants: readonly JsonSchema[], next: Compile): Step | undefined {
  const objects = variants.filter((variant) => typeof variant['properties'] === 'object')
  const lists = variants.filter((variant) => variant['type'] === 'array')
  const list = lists[0] && next(lists[0])
  const object = objects.length === 0 ? undefined : (stripByConstant(objects, next) ?? next(mergeObjects(objects, {})))
  if (list === undefined && object === undefined) return undefined
  return (value) => {
    if (Array.isArray(value)) return list ? list(value) : value
    return object ? object(value) : value
  }
}

function stripByConstant(objects: readonly JsonSchema[], next: Compile): Step | undefined {
  const properties = objects.map((object) => object['properties'] as Record<string, JsonSchema>)
  const name = Object.keys(properties[0] ?? {}).find((key) =>
    properties.every((fields) => fields[key] && 'const' in fields[key]),
  )
  if (name === undefined) return undefined
  const byConstant = new Map(objects.map((object, index) => [properties[index]?.[name]?.['const'], next(object)]))
  return (value) => {
    const strip = isRecord(value) ? byConstant.get(value[name]) : undefined
    return strip ? strip(value) : value
  }
}

function mergeObjects(objects: readonly JsonSchema[], base: JsonSchema): JsonSchema {
  const all = [...objects, base]
  const properties = Object.assign({}, ...all.map((object) => object['properties']).filter(Boolean)) as Record<
    string,
    JsonSchema
  >
  const isOpen = all.some(({ additionalProperties }) => additionalProperties !== undefined)
  return { type: 'object', properties, ...(isOpen ? { additionalProperties: true } : {}) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
