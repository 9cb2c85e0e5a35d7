import type { JsonSchema } from './schema.ts'

/** What a schema says of the inside of a value, with its parts and alternatives taken together. */
export interface SchemaView {
  /** The schemas that were taken together, references followed. */
  readonly parts: readonly JsonSchema[]
  /** Declared fields, each with every schema it may have. */
  readonly fields: ReadonlyMap<string, readonly JsonSchema[]>
  /** Entries declared by a pattern of their name. */
  readonly patterns: readonly { readonly form: RegExp; readonly schemas: readonly JsonSchema[] }[]
  /** The schemas of all other entries, where there are any. */
  readonly others: readonly JsonSchema[]
  /** Whether an object that forbids or allows other entries is among the alternatives: then the check decides on them. */
  readonly keepsOthers: boolean
  /** Whether the value may be an object whose fields are declared. */
  readonly isObject: boolean
  /** Schemas by position, before `items` begin. */
  readonly prefix: readonly (readonly JsonSchema[])[]
  readonly items: readonly JsonSchema[]
  readonly defaults: readonly unknown[]
}

/** Looks into the schemas of one document. */
export class SchemaDocument {
  readonly #targets: ReadonlyMap<JsonSchema, JsonSchema>
  readonly #ids = new Map<JsonSchema, number>()

  constructor(root: JsonSchema) {
    this.#targets = findTargets(root)
  }

  /** What the reference in a schema leads to; undefined without one, or where it leads nowhere. */
  targetOf(schema: JsonSchema): JsonSchema | undefined {
    return this.#targets.get(schema)
  }

  /** The first of the schemas that has the default of a value which all of them describe. */
  defaultOwner(schemas: readonly JsonSchema[]): JsonSchema | undefined {
    return this.#partsOf(schemas, ['allOf']).find((part) => 'default' in part)
  }

  /** The same text for the same set of schemas, however they are reached. */
  keyOf(schemas: readonly JsonSchema[]): string {
    const ids = schemas.map((schema) => {
      const plain = Object.keys(schema).length === 1 ? this.#resolve(schema) : schema
      const id = this.#ids.get(plain) ?? this.#ids.size
      this.#ids.set(plain, id)
      return id
    })
    return [...new Set(ids)].toSorted((one, other) => one - other).join()
  }

  /** What any of the alternatives may say. */
  view(schemas: readonly JsonSchema[]): SchemaView {
    return toView(this.#partsOf(schemas, ['allOf', 'anyOf', 'oneOf', 'then', 'else']))
  }

  /** What holds whichever alternative is meant. */
  commonView(schemas: readonly JsonSchema[]): SchemaView {
    return toView(this.#partsOf(schemas, ['allOf']))
  }

  /** The unions among the schemas, each as its alternatives by the value of the constant field that tells them apart. */
  alternatives(schemas: readonly JsonSchema[]): readonly Alternatives[] {
    return this.#partsOf(schemas, ['allOf']).flatMap((part) => this.#alternativesOf(part) ?? [])
  }

  /** Of each union among the schemas the one alternative that a list, or an object, can be meant by; none where several can. */
  onlyAlternatives(schemas: readonly JsonSchema[], kind: 'array' | 'object'): readonly JsonSchema[] {
    return this.#partsOf(schemas, ['allOf']).flatMap((part) => {
      const [only, ...others] = this.#variantsOf(part).filter((variant) => this.#canBe(variant, kind))
      return only !== undefined && others.length === 0 ? [only] : []
    })
  }

  #canBe(schema: JsonSchema, kind: 'array' | 'object'): boolean {
    return this.#partsOf([schema], ['allOf']).every((part) => {
      const type = part['type']
      return !('const' in part) && !('enum' in part) && (type === undefined || [type].flat().includes(kind))
    })
  }

  /** Undefined for what is no union; an alternative that is no object is not among them. */
  #alternativesOf(schema: JsonSchema): Alternatives | undefined {
    const objects = this.#variantsOf(schema)
      .map((variant) => ({ variant, view: this.view([variant]) }))
      .filter(({ view }) => view.isObject || view.patterns.length > 0 || view.others.length > 0)
    const names = [...(objects[0]?.view.fields.keys() ?? [])]
    // One that may be left out tells nothing where it is.
    const name = names.find((one) => objects.every(({ view }) => constantOf(view, one) && isRequired(view, one)))
    if (name === undefined) return undefined
    const byConstant = new Map(objects.map(({ variant, view }) => [constantOf(view, name)?.value, variant]))
    return byConstant.size === objects.length ? { name, byConstant } : undefined
  }

  /** The schemas and all that they consist of, references followed. */
  #partsOf(schemas: readonly JsonSchema[], keywords: readonly string[]): readonly JsonSchema[] {
    const parts = new Set<JsonSchema>()
    const add = (schema: JsonSchema): void => {
      const resolved = this.#resolve(schema)
      // Beside a reference stand further conditions, and a default that comes before that of its target.
      if (resolved !== schema) parts.add(schema)
      if (parts.has(resolved)) return
      parts.add(resolved)
      for (const keyword of keywords) for (const part of list(resolved[keyword])) add(part)
    }
    for (const schema of schemas) add(schema)
    return [...parts]
  }

  /** What a reference stands for; any other schema stands for itself. */
  #resolve(schema: JsonSchema, seen: readonly JsonSchema[] = []): JsonSchema {
    const target = this.#targets.get(schema)
    return target === undefined || seen.includes(target) ? schema : this.#resolve(target, [...seen, target])
  }

  /** The members of a union, those of unions in it included. */
  #variantsOf(schema: JsonSchema, seen: ReadonlySet<JsonSchema> = new Set()): readonly JsonSchema[] {
    const resolved = this.#resolve(schema)
    const variants = [...list(resolved['anyOf']), ...list(resolved['oneOf'])]
    if (seen.has(resolved)) return []
    return variants.flatMap((variant) => {
      const nested = this.#variantsOf(variant, new Set([...seen, resolved]))
      return nested.length > 0 ? nested : [variant]
    })
  }
}

/** The alternatives of a union by the value of a field. */
export interface Alternatives {
  readonly name: string
  readonly byConstant: ReadonlyMap<unknown, JsonSchema>
}

function isRequired({ parts }: SchemaView, name: string): boolean {
  return parts.some(({ required }) => Array.isArray(required) && required.includes(name))
}

function toView(parts: readonly JsonSchema[]): SchemaView {
  const lists = parts.map(readLists)
  const items = lists.some(({ isOpen }) => isOpen) ? [] : lists.flatMap((part) => part.items)
  const longest = lists.some(({ isOpen }) => isOpen) ? 0 : Math.max(0, ...lists.map(({ prefix }) => prefix.length))
  const patterns = gather(parts.flatMap((part) => Object.entries(record(part['patternProperties']))))
  return {
    parts,
    fields: gather(parts.flatMap((part) => Object.entries(record(part['properties'])))),
    patterns: [...patterns].map(([form, schemas]) => ({ form: new RegExp(wholeName(form), 'u'), schemas })),
    others: parts.flatMap(({ additionalProperties: rest }) => (saysSomething(rest) ? [rest] : [])),
    keepsOthers: parts.some((part) => decidesOnOthers(part) || isAnything(part, 'object')),
    isObject: parts.some((part) => isSchema(part['properties'])),
    prefix: Array.from({ length: longest }, (_, at) => lists.flatMap((part) => part.prefix[at] ?? part.items)),
    items,
    defaults: parts.flatMap((part) => ('default' in part ? [part['default']] : [])),
  }
}

/** What TypeBox writes for any name misses those with a line break, whose entries nobody would then check. */
export function wholeName(form: string): string {
  return form === '^.*$' ? '' : form
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function constantOf(view: SchemaView, name: string): { readonly value: unknown } | undefined {
  const constant = view.fields.get(name)?.find((schema) => 'const' in schema)
  return constant && { value: constant['const'] }
}

interface Lists {
  readonly prefix: readonly JsonSchema[]
  readonly items: readonly JsonSchema[]
  /** Whether any item may be anything. */
  readonly isOpen: boolean
}

/** Tuples are written as `prefixItems`, or as `items` with a list as before draft 2020-12. */
function readLists(part: JsonSchema): Lists {
  const { items: given } = part
  const prefix = Array.isArray(given) ? list(given) : list(part['prefixItems'])
  const rest = Array.isArray(given) ? part['additionalItems'] : given
  const items = saysSomething(rest) ? [rest] : []
  const isList = 'items' in part || part['type'] === 'array'
  const isOpen = isAnything(part, 'array') || (isList && prefix.length === 0 && items.length === 0)
  return { prefix, items, isOpen }
}

/** Whether entries without a declaration are refused or wanted, so that dropping them would be wrong. */
function decidesOnOthers({ additionalProperties, unevaluatedProperties }: JsonSchema): boolean {
  if (unevaluatedProperties !== undefined) return true
  return additionalProperties !== undefined && !saysSomething(additionalProperties)
}

/** Keywords that allow and forbid nothing. */
const annotations = new Set([
  'title',
  'description',
  'default',
  'examples',
  'x-secret',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
])

/** Whether a schema allows every value of a type. */
function isAnything(schema: JsonSchema, type: string): boolean {
  const keywords = Object.keys(schema).filter((keyword) => !annotations.has(keyword))
  return keywords.every((keyword) => keyword === 'type' && [schema['type']].flat().includes(type))
}

/** Whether a schema is more than the permission of anything. */
function saysSomething(schema: unknown): schema is JsonSchema {
  return isSchema(schema) && Object.keys(schema).length > 0
}

function list(value: unknown): readonly JsonSchema[] {
  return [value].flat().filter(isSchema)
}

function record(value: unknown): Readonly<Record<string, JsonSchema>> {
  return isSchema(value) ? (value as Record<string, JsonSchema>) : {}
}

function gather(entries: readonly (readonly [string, JsonSchema])[]): Map<string, readonly JsonSchema[]> {
  const groups = Map.groupBy(entries, ([name]) => name)
  return new Map([...groups].map(([name, group]) => [name, group.map(([, schema]) => schema)]))
}

/** Where every reference in a document leads: by pointer from its root, by name into the nearest `$defs` around it,
 * or by the name that a schema gives itself. */
function findTargets(root: JsonSchema): Map<JsonSchema, JsonSchema> {
  const targets = new Map<JsonSchema, JsonSchema>()
  const walk = (value: unknown, scopes: readonly Readonly<Record<string, JsonSchema>>[]): void => {
    if (typeof value !== 'object' || value === null) return
    if (Array.isArray(value)) return value.forEach((item) => walk(item, scopes))
    const schema = value as JsonSchema
    const inner = isSchema(schema['$defs']) ? [record(schema['$defs']), ...scopes] : scopes
    const reference = schema['$ref']
    if (typeof reference === 'string') {
      const target = targetOf(reference, root, inner)
      if (target) targets.set(schema, target)
    }
    for (const child of Object.values(schema)) walk(child, inner)
  }
  walk(root, [])
  return targets
}

function targetOf(reference: string, root: JsonSchema, scopes: readonly Readonly<Record<string, JsonSchema>>[]) {
  if (reference === '#' || reference.startsWith('#/')) return follow(root, reference)
  if (reference.startsWith('#')) return marked(root, '$anchor', decodeURIComponent(reference.slice(1)))
  return named(scopes, reference) ?? marked(root, '$id', reference)
}

/** The first schema that gives itself a name. */
function marked(value: unknown, keyword: '$anchor' | '$id', name: string): JsonSchema | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (isSchema(value) && value[keyword] === name) return value
  for (const child of Object.values(value)) {
    const found = marked(child, keyword, name)
    if (found) return found
  }
  return undefined
}

function named(scopes: readonly Readonly<Record<string, JsonSchema>>[], name: string): JsonSchema | undefined {
  return scopes.find((scope) => Object.hasOwn(scope, name))?.[name]
}

/** @see RFC 6901, and JSON Schema 2020-12 section 8.2.3 */
function follow(root: JsonSchema, reference: string): JsonSchema | undefined {
  const names = reference.slice(1).split('/').slice(1).map(unescapePointer)
  const target = names.reduce<unknown>((value, name) => (isSchema(value) ? value[name] : undefined), root)
  return isSchema(target) ? target : undefined
}

function unescapePointer(name: string): string {
  return decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
}
