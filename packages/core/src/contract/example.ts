import Schema from 'typebox/schema'
import { int64RangeOf } from '../schema/int64.ts'
import type { OperationSpec } from './operation.ts'
import { isStandardSchema, type JsonSchema } from '../schema/schema.ts'
import { isStream, type StreamOf } from './stream.ts'

/** One input with what comes of it, for generated documents. For a stream, the value is one item of it. */
export interface OperationExample {
  /** Unique among the operation's examples. @defaultValue `example`, from the second on with its number */
  readonly name?: string
  /** One sentence. */
  readonly summary?: string
  readonly input?: unknown
  readonly output?: unknown
}

export interface ReadExamples {
  readonly examples: readonly OperationExample[]
  /** What is wrong with them, without the operation's name. */
  readonly problems: readonly string[]
}

export interface ExampleSchemas {
  readonly input: JsonSchema
  readonly output: JsonSchema
}

export const noExamples: ReadExamples = Object.freeze({ examples: Object.freeze([]), problems: Object.freeze([]) })

/** The examples of an operation in the form they have in JSON, and what does not fit its schema. */
export function readExamples({ input, output, examples }: OperationSpec, schemas: ExampleSchemas): ReadExamples {
  if (examples === undefined) return noExamples
  if (!Array.isArray(examples)) return { ...noExamples, problems: ['examples must be a list'] }
  const read = examples.map((example: OperationExample, index) => toExample(example, index))
  const problems = read.flatMap((example, index) => [
    ...strayKeys(example, index),
    ...(read.findIndex(({ name }) => name === example.name) === index
      ? []
      : [`examples/${index}: the name "${example.name}" is taken by another`]),
    ...('input' in example
      ? misfits(`examples/${index}/input`, example.input, { of: input, json: schemas.input })
      : []),
    ...('output' in example
      ? misfits(`examples/${index}/output`, example.output, { of: output, json: schemas.output })
      : []),
  ])
  return { examples: Object.freeze(read), problems }
}

const known: ReadonlySet<string> = new Set(['name', 'summary', 'input', 'output'])

function strayKeys(example: OperationExample, index: number): readonly string[] {
  const strays = Object.keys(example).filter((key) => !known.has(key))
  return strays.map((key) => `examples/${index}: "${key}" is no setting; expected ${[...known].join(', ')}`)
}

function toExample(example: OperationExample, index: number): OperationExample {
  const name = example.name ?? (index === 0 ? 'example' : `example${index + 1}`)
  const values = (['input', 'output'] as const).flatMap((side) =>
    example[side] === undefined ? [] : [[side, toJson(example[side])] as const],
  )
  return Object.freeze({ ...example, name, ...Object.fromEntries(values) })
}

/** As JSON carries it: what is native to a handler becomes text. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return Object.freeze(value.map(toJson))
  if (typeof value !== 'object' || value === null) return value
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toJson(inner)])))
}

interface ExampleSchema {
  readonly of: OperationSpec['input'] | StreamOf
  readonly json: JsonSchema
}

function misfits(where: string, value: unknown, { of, json }: ExampleSchema): readonly string[] {
  const schema: unknown = isStream(of) ? of.item : of
  const found = [...undeclared(json, value), ...outOfRange(json, value, ''), ...checkByLibrary(schema, json, value)]
  return found.map(({ path, message }) => `${where}${path} ${message}`)
}

interface Misfit {
  readonly path: string
  readonly message: string
}

/** Calls drop undeclared fields; in an example one is a slip of the pen. */
function undeclared(json: JsonSchema, value: unknown): readonly Misfit[] {
  const isClosed = !['additionalProperties', 'patternProperties', 'allOf', 'anyOf', 'oneOf'].some((key) => key in json)
  const properties: unknown = json['properties']
  if (!isClosed || typeof properties !== 'object' || properties === null || !isRecord(value)) return []
  const strays = Object.keys(value).filter((name) => !Object.hasOwn(properties, name))
  return strays.map((name) => ({ path: `/${name}`, message: 'is no field of the schema' }))
}

/** The limits of `int64()`, which its JSON Schema has no word for. */
function outOfRange(json: JsonSchema, value: unknown, path: string): readonly Misfit[] {
  const range = int64RangeOf(json)
  if (range && typeof value === 'string' && /^-?\d+$/.test(value)) {
    const isWithin = BigInt(value) >= range.minimum && BigInt(value) <= range.maximum
    return isWithin ? [] : [{ path, message: `must be from ${range.minimum} to ${range.maximum}` }]
  }
  const items: unknown = json['items']
  if (Array.isArray(value) && isRecord(items))
    return value.flatMap((item, index) => outOfRange(items, item, `${path}/${index}`))
  const properties: unknown = json['properties']
  if (!isRecord(value) || !isRecord(properties)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined
    return isRecord(field) ? outOfRange(field, inner, `${path}/${name}`) : []
  })
}

function checkByLibrary(schema: unknown, json: JsonSchema, value: unknown): readonly Misfit[] {
  if (!isStandardSchema(schema)) {
    const [, errors] = Schema.Errors(json, value)
    return errors.map(({ instancePath, message }) => ({ path: instancePath, message }))
  }
  const result = schema['~standard'].validate(structuredClone(value))
  // What an asynchronous validator says comes too late for a definition; its schema is checked with each call.
  if (result instanceof Promise) {
    result.catch(() => undefined)
    return []
  }
  return (result.issues ?? []).map(({ path = [], message }) => ({
    path: path.map((part) => `/${String(typeof part === 'object' ? part.key : part)}`).join(''),
    message,
  }))
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
