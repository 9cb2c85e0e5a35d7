import type { Violation } from '../error/service-error.ts'
import { ContractError } from '../error/setup-error.ts'
import { compileSchema } from '../schema/compiled-schema.ts'
import type { JsonSchema, Schema } from '../schema/schema.ts'
import { fieldNames } from './check-spec.ts'
import type { OperationSpec } from './operation.ts'
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
  const checks = { input: checkBy(input, schemas.input), output: checkBy(output, schemas.output) }
  const problems = read.flatMap((example, index) => [
    ...strayKeys(example, index),
    ...(read.findIndex(({ name }) => name === example.name) === index
      ? []
      : [`examples/${index}: the name "${example.name}" is taken by another`]),
    ...sides.flatMap((side) => {
      const found = side in example ? checks[side](example[side]) : []
      return found.map(({ field, message }) => `examples/${index}/${side}${field} ${message}`)
    }),
  ])
  return { examples: Object.freeze(read), problems }
}

const sides = ['input', 'output'] as const
const known: ReadonlySet<string> = new Set(['name', 'summary', 'input', 'output'])

function strayKeys(example: OperationExample, index: number): readonly string[] {
  const strays = Object.keys(example).filter((key) => !known.has(key))
  return strays.map((key) => `examples/${index}: "${key}" is no setting; expected ${[...known].join(', ')}`)
}

function toExample(example: OperationExample, index: number): OperationExample {
  const name = example.name ?? (index === 0 ? 'example' : `example${index + 1}`)
  const values = sides.flatMap((side) => (example[side] === undefined ? [] : [[side, toJson(example[side])] as const]))
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

/** What is wrong with a value. */
type Check = (value: unknown) => readonly Violation[]

/** A schema that cannot be used is told as what is wrong with each value. */
function checkBy(of: Schema | StreamOf, json: JsonSchema): Check {
  try {
    return compileCheck(of, json)
  } catch (error) {
    if (!(error instanceof ContractError)) throw error
    const { message } = error
    return () => [{ field: '', message: `cannot be checked: ${message}`, rule: 'schema' }]
  }
}

/** The rules of a call, by the reader's side, which takes the form of JSON. */
function compileCheck(of: Schema | StreamOf, json: JsonSchema): Check {
  const { read } = compileSchema(isStream(of) ? of.item : of, json)
  const findStrays = compileStrays(json)
  return (value) => {
    const result = read(structuredClone(value))
    if (!(result instanceof Promise)) return [...findStrays(value), ...(result.ok ? [] : result.violations)]
    // What an asynchronous validator says comes too late for a definition; it is asked with each call.
    result.catch(() => undefined)
    return findStrays(value)
  }
}

/** Calls drop undeclared fields; in an example one is a slip of the pen. */
function compileStrays(json: JsonSchema): Check {
  const isOpen = ['additionalProperties', 'patternProperties', 'allOf', 'anyOf', 'oneOf', '$ref'].some(
    (key) => key in json,
  )
  if (isOpen || json['type'] !== 'object') return () => []
  const names = new Set(fieldNames(json))
  return (value) =>
    Object.keys(Object(value) as object)
      .filter((name) => !names.has(name))
      .map((name) => ({ field: `/${name}`, message: 'is no field of the schema', rule: 'additionalProperties' }))
}
