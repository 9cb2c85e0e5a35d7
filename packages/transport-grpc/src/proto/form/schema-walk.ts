import { bytesRangeOf, int64RangeOf, isTimestamp, isUint64, type JsonSchema } from '@tenon/core/contract'
import type { SchemaDocument } from '@tenon/core/transport'
import { isSchema, type Placed } from './schema-variant.ts'

/** Whether a schema contains itself. */
export function containsItself(schema: JsonSchema, document: SchemaDocument): boolean {
  return (
    find({ schema, path: '' }, document, ({ schema: inner, path }) => path !== '' && inner === schema) !== undefined
  )
}

/** The first value in a schema that JSON carries otherwise than protobuf, with its path; undefined where all of it is JSON. */
export function nativeInside(placed: Placed, document: SchemaDocument): string | undefined {
  const found = find(placed, document, ({ schema }) => nativeName(schema) !== undefined)
  return found && `${nativeName(found.schema)} at ${found.path}`
}

function nativeName(schema: JsonSchema): string | undefined {
  if (int64RangeOf(schema)) return isUint64(schema) ? 'uint64()' : 'int64()'
  if (bytesRangeOf(schema)) return 'bytes()'
  return isTimestamp(schema) ? 'timestamp()' : undefined
}

/** The first schema in a schema, itself included, that is meant; references are followed, each schema is looked into once. */
function find(root: Placed, document: SchemaDocument, isMeant: (placed: Placed) => boolean): Placed | undefined {
  const seen = new Set<unknown>()
  const waiting: Placed[] = [root]
  for (const placed of waiting) {
    if (isMeant(placed)) return placed
    if (seen.has(placed.schema)) continue
    seen.add(placed.schema)
    waiting.push(...childrenOf(placed, document))
  }
  return undefined
}

/** Keywords whose values are data, and definitions, which count where they are referred to. */
const passedOver: ReadonlySet<string> = new Set(['default', 'const', 'enum', 'examples', '$defs', 'definitions'])

function childrenOf({ schema, path }: Placed, document: SchemaDocument): readonly Placed[] {
  const target = document.targetOf(schema)
  const inside = Object.entries(schema).filter(([keyword]) => !passedOver.has(keyword))
  const children = inside.flatMap(([keyword, value]) => nested(value, `${path}/${keyword}`))
  return target ? [{ schema: target, path: `${path}/$ref` }, ...children] : children
}

/** Schemas by name and in lists are looked through as if they were schemas themselves. */
function nested(value: unknown, path: string): readonly Placed[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => nested(item, `${path}/${index}`))
  return isSchema(value) ? [{ schema: value, path }] : []
}
