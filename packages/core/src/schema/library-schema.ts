import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonSchema } from './schema.ts'
import { findFaults, unexpressed, UnusableSchema } from './unusable-schema.ts'

/**
 * The JSON Schema of a schema that implements Standard Schema, by its input side.
 *
 * @throws UnusableSchema naming the places that the library cannot express, as far as they can be told.
 */
export function libraryJsonSchema({ '~standard': standard }: StandardSchemaV1): JsonSchema {
  const { vendor } = standard
  const { jsonSchema }: Partial<StandardJSONSchemaV1['~standard']> = standard
  if (jsonSchema === undefined)
    throw unusable(`this ${vendor} schema has no JSON Schema (~standard.jsonSchema)${converters[vendor] ?? ''}`)
  const read = (libraryOptions: LibraryOptions | undefined) =>
    jsonSchema.input({ target: 'draft-2020-12', ...(libraryOptions && { libraryOptions }) })
  try {
    return read(always[vendor])
  } catch (error) {
    const faults = onFailure[vendor] ? findFaults(read(onFailure[vendor]), { allowsNative: false }) : []
    if (faults.length > 0) throw new UnusableSchema(faults)
    throw unusable(error instanceof Error ? error.message : String(error))
  }
}

type LibraryOptions = Record<string, unknown>

/** What to do where a library keeps its conversion in a package of its own. */
const converters: Readonly<Record<string, string>> = {
  valibot: '; wrap it in toStandardJsonSchema() of @valibot/to-json-schema',
}

/**
 * Options of libraries that would leave out what they cannot express. A rule that JSON Schema has no word for may be left
 * out, because the library's own validator checks it; a type may not.
 */
const always: Readonly<Record<string, LibraryOptions>> = {
  /** @see ArkType, toJsonSchema: fallback by code */
  arktype: { fallback: ({ code, base, ...found }: ArktypeGap) => markArktype(code, { base, found }) },
  /** @see Valibot, @valibot/to-json-schema: errorMode and overrideSchema */
  valibot: {
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, errors }: ValibotGap) =>
      errors ? { [unexpressed]: valibotSchema.type } : undefined,
  },
}

/** Options that find the place, for libraries that only say that there is one. */
const onFailure: Readonly<Record<string, LibraryOptions>> = {
  /** @see Zod, z.toJSONSchema: unrepresentable and override */
  zod: {
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: ZodGap) => {
      const { type, values = [] } = zodSchema._zod.def
      if (zodGaps.has(type) && Object.keys(jsonSchema).length === 0) jsonSchema[unexpressed] = type
      const odd = values.map((value) => typeof value).find((name) => name === 'bigint' || name === 'undefined')
      if (type === 'literal' && odd) jsonSchema[unexpressed] = odd
    },
  },
}

interface ArktypeGap {
  readonly code: string
  readonly base: JsonSchema
  readonly domain?: string
  readonly unit?: unknown
  readonly proto?: { readonly name: string }
}

interface ValibotGap {
  readonly valibotSchema: { readonly type: string }
  readonly errors: readonly string[] | null
}

interface ZodGap {
  readonly zodSchema: {
    readonly _zod: { readonly def: { readonly type: string; readonly values?: readonly unknown[] } }
  }
  readonly jsonSchema: Record<string, unknown>
}

/** The types of Zod that have no JSON Schema. */
const zodGaps = new Set([
  'bigint',
  'symbol',
  'undefined',
  'void',
  'date',
  'nan',
  'map',
  'set',
  'custom',
  'function',
  'transform',
])

/** The gaps of ArkType that are types; all others are rules, which it checks itself. */
const arktypeTypes = new Set(['domain', 'proto', 'date', 'unit', 'symbolKey', 'arrayObject'])

function markArktype(code: string, { base, found }: { base: JsonSchema; found: Omit<ArktypeGap, 'code' | 'base'> }) {
  if (!arktypeTypes.has(code)) return base
  const { domain, proto } = found
  return { ...base, [unexpressed]: domain ?? proto?.name ?? ('unit' in found ? typeof found.unit : code) }
}

function unusable(reason: string): UnusableSchema {
  return new UnusableSchema([{ path: '', reason }])
}
