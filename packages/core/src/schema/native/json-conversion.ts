import type { JsonSchema } from '../schema.ts'
import { type NativeType, nativeSchemaOf } from './native-type.ts'
import { SchemaDocument, type SchemaView } from '../schema-view.ts'
import { isTimestamp } from './timestamp.ts'
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
  const toJson = compileConversion(schema, written)?.([schema])
  return toJson ? (value) => JSON.stringify(toJson(value)) : (value) => JSON.stringify(value)
}

/**
 * The step that gives text its native type wherever a schema says so, and a `timestamp()` its one spelling; what is native already
 * stays. Undefined for a schema that is plain JSON.
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
  return compileConversion(root, readable, document)
}

/** What is done to values of native types, and which schemas have any. */
interface Conversion {
  readonly keyword: RegExp
  readonly convert: (type: NativeType) => Step | undefined
}

const readable: Conversion = {
  keyword: /"x-(?:int64|bytes|timestamp)":/,
  convert:
    ({ fromText }) =>
    (value) =>
      typeof value === 'string' ? fromText(value) : value,
}

/** A timestamp is the same text on both sides. */
const written: Conversion = {
  keyword: /"x-(?:int64|bytes)":/,
  convert: ({ name, toText }) => (name === 'timestamp' ? undefined : toText),
}

function compileConversion(
  root: JsonSchema,
  { keyword, convert }: Conversion,
  known?: SchemaDocument,
): Compile | undefined {
  // A recursive schema would else be walked for every value, only to change nothing.
  if (!keyword.test(JSON.stringify(root))) return undefined
  const document = known ?? new SchemaDocument(root)
  return memoized(document, (schemas, next) => compileStep(schemas, next, { document, convert }))
}

interface StepContext extends Pick<Conversion, 'convert'> {
  readonly document: SchemaDocument
}

function compileStep(schemas: readonly JsonSchema[], next: Compile, { document, convert }: StepContext) {
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
  if (type === undefined) return timestampOf(parts)
  const text = other?.name ?? (parts.some(allowsText) ? 'text' : undefined)
  if (text === undefined) return type
  throw new Error(`${type.name} and ${text} are alternatives of one value, and JSON carries both as text`)
}

/** Beside other text a timestamp is left as it is: which of the two it is meant to be nobody can tell. */
function timestampOf(parts: readonly JsonSchema[]): NativeType | undefined {
  const [schema] = parts.filter(isTimestamp)
  if (schema === undefined || parts.some((part) => !isTimestamp(part) && allowsText(part))) return undefined
  return nativeSchemaOf(schema)?.type
}

/** To readers of other types a timestamp is text like any other. */
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
