import type { JsonSchema } from '../schema.ts'
import { type NativeType, nativeSchemaOf } from './native-type.ts'
import { SchemaDocument, type SchemaView } from '../schema-view.ts'
import {
  chooseByConstant,
  type Compile,
  eachItem,
  entryStep,
  isRecord,
  memoized,
  type Step,
  unionAlone,
} from '../step.ts'

/** Writes a value as JSON text; `undefined` for undefined, as `JSON.stringify` does. */
export type JsonWriter = (value: unknown) => string

/**
 * Compiles how values of a schema are written as JSON: `int64()` as decimal text, `bytes()` as base64. For a schema with
 * neither it is `JSON.stringify` itself.
 */
export function compileJsonWriter(schema: JsonSchema): JsonWriter {
  const toJson = compileConversion(schema, ({ toText }) => toText)?.([schema])
  return toJson ? (value) => JSON.stringify(toJson(value)) : (value) => JSON.stringify(value)
}

/**
 * The step that gives text its native type wherever a schema says so; what is native already stays. Undefined for a schema
 * that is plain JSON.
 *
 * @throws Error for a schema in which text and a native type cannot be told apart.
 */
export function compileJsonReader(schema: JsonSchema): Step | undefined {
  return compileJsonReaders(schema)?.([schema])
}

/**
 * As `compileJsonReader`, for any place of a document; each place is compiled once.
 *
 * @throws Error from the step's compilation, as there.
 */
export function compileJsonReaders(root: JsonSchema, document?: SchemaDocument): Compile | undefined {
  const convert: Convert =
    ({ fromText }) =>
    (value) =>
      typeof value === 'string' ? fromText(value) : value
  return compileConversion(root, convert, document)
}

type Convert = (type: NativeType) => Step

function compileConversion(root: JsonSchema, convert: Convert, known?: SchemaDocument): Compile | undefined {
  // A recursive schema would else be walked for every value, only to change nothing.
  if (!/"x-(?:int64|bytes)":/.test(JSON.stringify(root))) return undefined
  const document = known ?? new SchemaDocument(root)
  return memoized(document, (schemas, next) => compileStep(schemas, next, { document, convert }))
}

interface Conversion {
  readonly document: SchemaDocument
  readonly convert: Convert
}

function compileStep(schemas: readonly JsonSchema[], next: Compile, { document, convert }: Conversion) {
  const view = document.view(schemas)
  const type = nativeTypeOf(view)
  const leaf = type && convert(type)
  const array = eachItem(view, next)
  const alternatives = unionAlone(schemas, document)
  const object = alternatives ? chooseByConstant(alternatives, next) : convertObject(view, next)
  if (!leaf && !array && !object) return undefined
  return (value: unknown) => {
    if (Array.isArray(value)) return array ? array(value) : value
    if (object && isRecord(value) && !(value instanceof Uint8Array)) return object(value)
    return leaf ? leaf(value) : value
  }
}

/** The one native type a value may have. */
function nativeTypeOf({ parts }: SchemaView): NativeType | undefined {
  const types = new Set(parts.flatMap((part) => convertedTypeOf(part) ?? []))
  const [type, other] = types
  if (type === undefined) return undefined
  const text = other?.name ?? (parts.some(allowsText) ? 'text' : undefined)
  if (text === undefined) return type
  throw new Error(`${type.name} and ${text} are alternatives of one value, and JSON carries both as text`)
}

/** A timestamp is the same text on both sides. */
function convertedTypeOf(schema: JsonSchema): NativeType | undefined {
  const type = nativeSchemaOf(schema)?.type
  return type?.name === 'timestamp' ? undefined : type
}

function allowsText(schema: JsonSchema): boolean {
  if (convertedTypeOf(schema)) return false
  if ([schema['type']].flat().includes('string')) return true
  const constants = 'const' in schema ? [schema['const']] : schema['enum']
  if (Array.isArray(constants)) return constants.some((constant) => typeof constant === 'string')
  return Object.keys(schema).length === 0
}

function convertObject(view: SchemaView, next: Compile): Step | undefined {
  const fields = [...view.fields].flatMap(([name, schemas]) => {
    const step = next(schemas)
    return step ? [{ name, step }] : []
  })
  const entry = entryStep(view, next)
  if (fields.length === 0 && entry === undefined) return undefined
  return (value) => {
    if (!isRecord(value)) return value
    let copy: Record<string, unknown> | undefined
    const set = (name: string, converted: unknown) => {
      if (converted === value[name]) return
      copy ??= { ...value }
      copy[name] = converted
    }
    for (const { name, step } of fields) if (Object.hasOwn(value, name)) set(name, step(value[name]))
    if (entry) for (const name of Object.keys(value)) if (!view.fields.has(name)) set(name, entry(name, value[name]))
    return copy ?? value
  }
}
