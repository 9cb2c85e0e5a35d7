import { ScalarType } from '@bufbuild/protobuf'
import { bytes, int64, type JsonSchema, uint64 } from '@tenon/core/contract'

/** How 64-bit integers are seen by handlers and clients. */
export type Int64Form = 'bigint' | 'string'

/** What a scalar's schema depends on. */
export interface ScalarUse {
  readonly int64: Int64Form
  /** Whether an absent value is the type's zero. */
  readonly hasDefault: boolean
}

/** The schema of a scalar: its range, and its zero where an absent value stands for it. @see Protocol Buffers, scalar value types */
export function scalarSchema(scalar: ScalarType, { int64: form, hasDefault }: ScalarUse): JsonSchema {
  const zero = (value: unknown) => (hasDefault ? { default: value } : {})
  const range = integerRanges[scalar]
  if (range) return { type: 'integer', minimum: Number(range.minimum), maximum: Number(range.maximum), ...zero(0) }
  const longRange = longRanges[scalar]
  if (longRange && form === 'string') return { ...longText(longRange), ...zero('0') }
  if (longRange) return longNative(longRange, hasDefault)
  if (scalar === ScalarType.BYTES) return asJsonSchema(bytes(hasDefault ? { default: new Uint8Array() } : {}))
  if (scalar === ScalarType.BOOL) return { type: 'boolean', ...zero(false) }
  if (scalar === ScalarType.STRING) return { type: 'string', ...zero('') }
  return { anyOf: [floatSchema(scalar), { enum: ['NaN', 'Infinity', '-Infinity'] }], ...zero(0) }
}

/** The form of a map's keys, which JSON has as text. @see Protocol Buffers, JSON mapping */
export function keyPattern(scalar: ScalarType): string | undefined {
  if (scalar === ScalarType.STRING) return undefined
  if (scalar === ScalarType.BOOL) return '^(?:true|false)$'
  const range = integerRanges[scalar] ?? longRanges[scalar]
  return range && rangePattern(range)
}

interface Range {
  readonly minimum: bigint
  readonly maximum: bigint
}

const signed32: Range = { minimum: -(2n ** 31n), maximum: 2n ** 31n - 1n }
const unsigned32: Range = { minimum: 0n, maximum: 2n ** 32n - 1n }
const signed64: Range = { minimum: -(2n ** 63n), maximum: 2n ** 63n - 1n }
const unsigned64: Range = { minimum: 0n, maximum: 2n ** 64n - 1n }

const integerRanges: Readonly<Partial<Record<ScalarType, Range>>> = {
  [ScalarType.INT32]: signed32,
  [ScalarType.SINT32]: signed32,
  [ScalarType.SFIXED32]: signed32,
  [ScalarType.UINT32]: unsigned32,
  [ScalarType.FIXED32]: unsigned32,
}

const longRanges: Readonly<Partial<Record<ScalarType, Range>>> = {
  [ScalarType.INT64]: signed64,
  [ScalarType.SINT64]: signed64,
  [ScalarType.SFIXED64]: signed64,
  [ScalarType.UINT64]: unsigned64,
  [ScalarType.FIXED64]: unsigned64,
}

function longText(range: Range): JsonSchema {
  return { type: 'string', format: range === signed64 ? 'int64' : 'uint64', pattern: rangePattern(range) }
}

function longNative(range: Range, hasDefault: boolean): JsonSchema {
  const options = hasDefault ? { default: 0n } : {}
  return asJsonSchema(range === signed64 ? int64(options) : uint64(options))
}

/** A TypeBox schema is its own JSON Schema. */
function asJsonSchema(schema: object): JsonSchema {
  return schema as JsonSchema
}

/** @see IEEE 754, the largest finite number of 32 bits */
const largestFloat = 3.4028234663852886e38

function floatSchema(scalar: ScalarType): JsonSchema {
  return scalar === ScalarType.FLOAT
    ? { type: 'number', minimum: -largestFloat, maximum: largestFloat }
    : { type: 'number' }
}

/** Decimal text of the whole numbers in a range, in the one spelling that each has. */
function rangePattern({ minimum, maximum }: Range): string {
  const negative = minimum < 0n ? `|-(?:${upTo(String(-minimum))})` : ''
  return `^(?:0|${upTo(String(maximum))}${negative})$`
}

/** The numbers from 1 up to the one with these digits. */
function upTo(digits: string): string {
  const shorter = `[1-9]\\d{0,${digits.length - 2}}`
  const sameLength = Array.from(digits).flatMap((digit, index) => {
    const lowest = index === 0 ? 1 : 0
    const highest = Number(digit) - 1
    if (highest < lowest) return []
    const rest = digits.length - index - 1
    return [`${digits.slice(0, index)}[${lowest}-${highest}]${rest > 0 ? `\\d{${rest}}` : ''}`]
  })
  return [shorter, ...sameLength, digits].join('|')
}
