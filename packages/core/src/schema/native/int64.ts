import type { TUnsafe } from 'typebox'
import { ContractError } from '../../error/setup-error.ts'
import type { JsonSchema } from '../schema.ts'
import { unsafeSchema } from './unsafe-schema.ts'

export interface Int64Options {
  /** Smallest value. @defaultValue -2^63 */
  readonly minimum?: bigint
  /** Largest value. @defaultValue 2^63 - 1 */
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
  const { minimum = smallest, maximum = largest, default: initial, title, description } = options
  requireWithin('minimum', minimum, { minimum: smallest, maximum: largest })
  requireWithin('maximum', maximum, { minimum, maximum: largest })
  if (initial !== undefined) requireWithin('default', initial, { minimum, maximum })
  return unsafeSchema<bigint>({
    type: 'string',
    format: 'int64',
    pattern: '^(?:0|-?[1-9][0-9]{0,18})$',
    // As text, so that the schema itself is JSON.
    [keyword]: { minimum: String(minimum), maximum: String(maximum) },
    default: initial === undefined ? undefined : String(initial),
    title,
    description,
  })
}

/** The range of an `int64()`; undefined for every other schema. */
export function int64RangeOf(schema: JsonSchema): Int64Range | undefined {
  const range = schema[keyword] as Readonly<Record<keyof Int64Range, string>> | undefined
  return range && { minimum: BigInt(range.minimum), maximum: BigInt(range.maximum) }
}

const keyword = 'x-int64'
const smallest = -(2n ** 63n)
const largest = 2n ** 63n - 1n

function requireWithin(name: keyof Int64Options, found: bigint, { minimum, maximum }: Int64Range): void {
  if (typeof found === 'bigint' && found >= minimum && found <= maximum) return
  const message = `int64(): ${name} must be a bigint from ${minimum} to ${maximum}, found ${describeFound(found)}`
  throw new ContractError([{ code: 'contract.schema', message }])
}

/** A bigint as its digits; anything else so that it is not taken for one. */
function describeFound(found: unknown): string {
  if (typeof found === 'bigint') return String(found)
  return typeof found === 'string' ? `the text ${JSON.stringify(found)}` : `${String(found)} (${typeof found})`
}
