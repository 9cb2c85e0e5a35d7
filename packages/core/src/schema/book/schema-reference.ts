import type { JsonSchema } from '../schema.ts'

/** Where in a schema of a contract a part of it stands. */
export interface Scope {
  readonly root: JsonSchema
  /** The definitions around it, the nearest first. */
  readonly defs: readonly JsonSchema[]
  /** Begins the names of parts that have none. */
  readonly hint: string
}

/** A part that a reference leads to. */
export interface Referred {
  readonly schema: JsonSchema
  readonly scope: Scope
  readonly name: string
}

/** What a reference stands for: by pointer from the root, or by name in the nearest definitions. */
export function readReference(reference: string, scope: Scope): Referred | undefined {
  const names = reference.startsWith('#') ? reference.slice(1).split('/').slice(1).map(unescape) : [reference]
  const last = names.at(-1)
  const schema = reference.startsWith('#') ? follow(scope.root, names) : nearest(scope, reference)
  if (schema === undefined) return undefined
  return { schema, scope, name: last === undefined ? scope.hint : (partName(last) ?? `${scope.hint}Part`) }
}

/** A text that is the same for two schemas when they and all that they refer to are the same. */
export function closureOf(schema: JsonSchema, scope: Scope): string {
  const seen = new Map<string, string>()
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return
    if (Array.isArray(part)) return part.forEach(visit)
    const reference: unknown = Reflect.get(part, '$ref')
    const target = typeof reference === 'string' && !seen.has(reference) ? readReference(reference, scope) : undefined
    if (target !== undefined) {
      seen.set(String(reference), textOf(target.schema))
      visit(target.schema)
    }
    Object.entries(part)
      .filter(([keyword]) => !definitions.has(keyword))
      .forEach(([, child]) => visit(child))
  }
  visit(schema)
  return JSON.stringify([textOf(schema), ...[...seen].toSorted(([one], [other]) => (one < other ? -1 : 1))])
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const definitions = new Set(['$defs'])

function textOf(schema: JsonSchema): string {
  return JSON.stringify(schema, (keyword, value: unknown) => (definitions.has(keyword) ? undefined : value))
}

/** @see RFC 6901 */
function follow(root: JsonSchema, names: readonly string[]): JsonSchema | undefined {
  const found = names.reduce<unknown>((value, name) => (isSchema(value) ? value[name] : undefined), root)
  return isSchema(found) ? found : undefined
}

function nearest({ defs }: Scope, name: string): JsonSchema | undefined {
  const found = defs.find((scope) => Object.hasOwn(scope, name))?.[name]
  return isSchema(found) ? found : undefined
}

function unescape(name: string): string {
  return decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
}

/** Undefined where a library made the name up, so that it says nothing in a document of many schemas, and where nothing is left of it. */
function partName(name: string): string | undefined {
  const cleaned = name.replaceAll(/[^A-Za-z0-9._-]/g, '')
  return cleaned === '' || madeUp.test(name) ? undefined : cleaned
}

/** Zod's, and Valibot's. @see zod/v4/core/to-json-schema.js; @valibot/to-json-schema, getDefinitionRef */
const madeUp = /^(?:__schema)?\d+$/
