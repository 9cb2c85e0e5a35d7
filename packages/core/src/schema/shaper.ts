import type { JsonSchema } from './schema.ts'
import { SchemaDocument, type SchemaView } from './schema-view.ts'
import {
  chooseByConstant,
  type Compile,
  eachItem,
  entryStep,
  identity,
  isRecord,
  itemStep,
  memoized,
  type Step,
  unionAlone,
} from './step.ts'

/** Brings a value into the shape of its schema before it is checked. */
export interface Shaper {
  /** The value without undeclared fields and without fields whose value is undefined; a copy only where something was dropped. */
  strip(value: unknown): unknown
  /** Fills in defaults, in place. */
  fill(value: unknown): unknown
}

/** Compiles a JSON Schema to the two steps; a part of a schema that asks for nothing costs nothing. */
export function compileShaper(root: JsonSchema): Shaper {
  const document = new SchemaDocument(root)
  return {
    strip: memoized(document, (schemas, next) => compileStrip(schemas, next, document))([root]) ?? identity,
    fill: compileFills(document)([root]) ?? identity,
  }
}

/** How defaults are filled in at any place of a document; each place is compiled once. */
export function compileFills(document: SchemaDocument): Compile {
  return memoized(document, (schemas, next) => compileFill(schemas, next, document))
}

function compileStrip(schemas: readonly JsonSchema[], next: Compile, document: SchemaDocument): Step | undefined {
  const view = document.view(schemas)
  const object = stripChosen(schemas, next, document) ?? stripObject(view, next)
  const array = eachItem(view, next)
  if (array === undefined) return object
  return (value) => (Array.isArray(value) ? array(value) : object ? object(value) : value)
}

/** For a schema that is one union: only what the alternative that is meant declares; all else is the check's to refuse. */
function stripChosen(schemas: readonly JsonSchema[], next: Compile, document: SchemaDocument): Step | undefined {
  const alternatives = unionAlone(schemas, document)
  return alternatives && chooseByConstant(alternatives, next)
}

interface Field {
  readonly name: string
  readonly strip: Step | undefined
}

function stripObject(view: SchemaView, next: Compile): Step | undefined {
  const fields = [...view.fields].map(([name, schemas]): Field => ({ name, strip: next(schemas) }))
  if (view.patterns.length > 0 || view.others.length > 0) return declaredEntries(fields, view, next)
  // A closed object refuses what it does not declare, so nothing may be dropped before it is checked; an open one asked for it.
  if (view.isObject && view.keepsOthers) return keptFields(fields)
  return view.isObject ? declaredFields(fields) : undefined
}

function keptFields(fields: readonly Field[]): Step {
  const nested = fields.filter(({ strip }) => strip !== undefined)
  return (value) => (isRecord(value) ? stripNested(withoutPrototype(value), nested) : value)
}

/** No reader may take an entry for a prototype. */
function withoutPrototype(value: Record<string, unknown>): Record<string, unknown> {
  if (!Object.hasOwn(value, '__proto__')) return value
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== '__proto__'))
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

/** A record, or an object with one in it: keeps what has a declaration, by name, by pattern or among the others. */
function declaredEntries(fields: readonly Field[], view: SchemaView, next: Compile): Step {
  const byName = new Map(fields.map(({ name, strip }) => [name, strip ?? identity]))
  const isOpen = view.keepsOthers || view.others.length > 0
  const entryOf = entryStep(view, next)
  // No reader may take an entry for a prototype.
  const isKept = (key: string, entry: unknown) =>
    entry !== undefined &&
    key !== '__proto__' &&
    (isOpen || byName.has(key) || view.patterns.some(({ form }) => form.test(key)))
  const stripEntry = (key: string, entry: unknown): unknown => {
    const strip = byName.get(key)
    if (strip) return strip(entry)
    return entryOf ? entryOf(key, entry) : entry
  }
  return (value) => {
    if (!isRecord(value)) return value
    for (const key in value) {
      const entry = value[key]
      if (!isKept(key, entry) || stripEntry(key, entry) !== entry) return copyEntries(value, isKept, stripEntry)
    }
    return value
  }
}

function copyEntries(
  value: Record<string, unknown>,
  isKept: (key: string, entry: unknown) => boolean,
  stripEntry: (key: string, entry: unknown) => unknown,
): unknown {
  const kept = Object.entries(value).filter(([key, entry]) => isKept(key, entry))
  return Object.fromEntries(kept.map(([key, entry]) => [key, stripEntry(key, entry)]))
}

/** Defaults of what holds for every value; of alternatives only of the one that is meant: by a constant field, or alone of its kind. */
function compileFill(schemas: readonly JsonSchema[], next: Compile, document: SchemaDocument): Step | undefined {
  const view = document.commonView(schemas)
  const steps = [
    fillObject(view, next),
    fillItems(view, next),
    ...document.onlyAlternatives(schemas, 'object').map((only) => fillOnly(only, next, isRecord)),
    ...document.onlyAlternatives(schemas, 'array').map((only) => fillOnly(only, next, Array.isArray)),
    ...document
      .alternatives(schemas)
      .filter(({ byConstant }) => byConstant.size > 1)
      .map((alternatives) => chooseByConstant(alternatives, next)),
  ].filter((step) => step !== undefined)
  if (steps.length === 0 && view.defaults.length === 0) return undefined
  const [initial] = view.defaults
  const makeInitial = typeof initial === 'object' ? () => structuredClone(initial) : () => initial
  return (value) => steps.reduce<unknown>((filled, step) => step(filled), value === undefined ? makeInitial() : value)
}

function fillOnly(only: JsonSchema, next: Compile, isMeant: (value: unknown) => boolean): Step | undefined {
  const fill = next([only])
  return fill && ((value) => (isMeant(value) ? fill(value) : value))
}

function fillObject(view: SchemaView, next: Compile): Step | undefined {
  const fields = [...view.fields].flatMap(([name, schemas]) => {
    const fill = next(schemas)
    return fill ? [{ name, fill }] : []
  })
  const entry = entryStep(view, next)
  if (fields.length === 0 && entry === undefined) return undefined
  return (value) => {
    if (!isRecord(value)) return value
    for (const { name, fill } of fields) {
      const filled = fill(Object.hasOwn(value, name) ? value[name] : undefined)
      if (filled !== undefined) value[name] = filled
    }
    if (entry) for (const key of Object.keys(value)) if (!view.fields.has(key)) value[key] = entry(key, value[key])
    return value
  }
}

function fillItems(view: SchemaView, next: Compile): Step | undefined {
  const item = itemStep(view, next)
  if (item === undefined) return undefined
  return (value) => {
    if (Array.isArray(value)) for (const [index, one] of value.entries()) value[index] = item(one, index)
    return value
  }
}
