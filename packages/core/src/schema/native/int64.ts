import type { TUnsafe } from 'typebox'
import { ContractError } from '../../error/setup-error.ts'
import type { JsonSchema } from '../schema.ts'
import { unsafeSchema } from './unsafe-schema.ts'

export interface Int64Options {
  /** Smallest value. @defaultValue -2^63, or 0 of a `uint64()` */
  readonly minimum?: bigint
  /** Largest value. @defaultValue 2^63 - 1, or 2^64 - 1 of a `uint64()` */
  readonly maximum?: bigint
  /** What a reader finds where the field is absent. */
  readonly default?: bigint
  readonly title?: string
  readonly description?: string
}

/** The values an `int64()` allows; both ends belong to it. */
export interface Int64Range {
  readonly minimum: bigint
  readonly maximum: bigint
}

/**
 * A whole number of 64 bits: a `bigint` in handlers and clients, decimal text in JSON, `int64` in protobuf.
 *
 * @throws ContractError `contract.schema` for a limit or a default outside of -2^63 to 2^63 - 1, or of each other.
 * @see Protocol Buffers, JSON mapping: int64 is a string
 */
export function int64(options: Int64Options = {}): TUnsafe<bigint> {
  return build(options, { name: 'int64', pattern: '^(?:0|-?[1-9][0-9]{0,18})$', minimum: smallest, maximum: largest })
}

/**
 * As `int64()`, without numbers below zero: `uint64` in protobuf.
 *
 * @throws ContractError `contract.schema` for a limit or a default outside of 0 to 2^64 - 1, or of each other.
 * @see Protocol Buffers, JSON mapping: uint64 is a string
 */
export function uint64(options: Int64Options = {}): TUnsafe<bigint> {
  return build(options, { name: 'uint64', pattern: '^(?:0|[1-9][0-9]{0,19})$', minimum: 0n, maximum: largestUnsigned })
}

/** Whether a schema is a `uint64()`. */
export function isUint64(schema: JsonSchema): boolean {
  return keyword in schema && schema['format'] === 'uint64'
}

interface LongType extends Int64Range {
  readonly name: 'int64' | 'uint64'
  /** Of its text. */
  readonly pattern: string
}

function build(options: Int64Options, type: LongType): TUnsafe<bigint> {
  const { minimum = type.minimum, maximum = type.maximum, default: initial, title, description } = options
  const check = (name: keyof Int64Options, found: bigint, range: Int64Range) =>
    requireWithin(`${type.name}(): ${name}`, found, range)
  check('minimum', minimum, type)
  check('maximum', maximum, { minimum, maximum: type.maximum })
  if (initial !== undefined) check('default', initial, { minimum, maximum })
  return unsafeSchema<bigint>({
    type: 'string',
    format: type.name,
    pattern: type.pattern,
    // As text, so that the schema itself is JSON.
    [keyword]: { minimum: String(minimum), maximum: String(maximum) },
    default: initial === undefined ? undefined : String(initial),
    title,
    description,
  })
}

/** The range of an `int64()` or `uint64()`; undefined for every other schema. */
export function int64RangeOf(schema: JsonSchema): Int64Range | undefined {
  const range = schema[keyword] as Readonly<Record<keyof Int64Range, string>> | undefined
  return range && { minimum: BigInt(range.minimum), maximum: BigInt(range.maximum) }
}

const keyword = 'x-int64'
const smallest = -(2n ** 63n)
const largest = 2n ** 63n - 1n
const largestUnsigned = 2n ** 64n - 1n

function requireWithin(name: string, found: bigint, { minimum, maximum }: Int64Range): void {
  if (typeof found === 'bigint' && found >= minimum && found <= maximum) return
  const message = `${name} must be a bigint from ${minimum} to ${maximum}, found ${describeFound(found)}`
  throw new ContractError([{ code: 'contract.schema', message }])
}

/** A bigint as its digits; anything else so that it is not taken for one. */
function describeFound(found: unknown): string {
  if (typeof found === 'bigint') return String(found)
  return typeof found === 'string' ? `the text ${JSON.stringify(found)}` : `${String(found)} (${typeof found})`
}
