import { bytesRangeOf, type BytesRange } from './bytes.ts'
import { int64RangeOf, type Int64Range, isUint64 } from './int64.ts'
import { isTimestamp, isTimestampText, toTimestampText } from './timestamp.ts'
import type { JsonSchema } from '../schema.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { type Fault, type Refinement, refinement } from '../rule/refinement.ts'

/** A type that JSON carries as text, and protobuf as what it is. Memory does too, but for a timestamp, which is text there. */
export interface NativeType {
  readonly name: 'int64' | 'uint64' | 'bytes' | 'timestamp'
  is(value: unknown): boolean
  /** The value of a text; text that cannot be read stays text, for the check to refuse. */
  fromText(text: string): unknown
  toText(value: unknown): unknown
}

/** The native type of a schema, and what its values must fit. */
export interface NativeSchema {
  readonly type: NativeType
  readonly checks: readonly Refinement[]
}

/** Undefined for a schema of plain JSON. */
export function nativeSchemaOf(schema: JsonSchema): NativeSchema | undefined {
  const range = int64RangeOf(schema)
  const long = isUint64(schema) ? uint64Type : int64Type
  if (range) return { type: long, checks: [typeCheck(long), ...int64Checks(range)] }
  if (isTimestamp(schema)) return timestampSchema
  const sizes = bytesRangeOf(schema)
  return sizes && { type: bytesType, checks: [typeCheck(bytesType), ...bytesChecks(sizes)] }
}

/** As many digits as 64 bits can have: what is longer is not even made a number of. */
const int64Form = /^(?:0|-?[1-9]\d{0,18})$/
const uint64Form = /^(?:0|[1-9]\d{0,19})$/

const int64Type = longType('int64', int64Form)
const uint64Type = longType('uint64', uint64Form)

function longType(name: 'int64' | 'uint64', form: RegExp): NativeType {
  return {
    name,
    is: (value) => typeof value === 'bigint',
    fromText: (text) => (form.test(text) ? BigInt(text) : text),
    toText: (value) => (typeof value === 'bigint' ? String(value) : value),
  }
}

const bytesType: NativeType = {
  name: 'bytes',
  is: (value) => value instanceof Uint8Array,
  fromText: (text) => fromBase64(text) ?? text,
  toText: (value) => (value instanceof Uint8Array ? toBase64(value) : value),
}

const timestampType: NativeType = {
  name: 'timestamp',
  is: (value) => typeof value === 'string',
  fromText: toTimestampText,
  toText: (value) => value,
}

function typeCheck({ name, is }: NativeType): Refinement {
  return refinement(is, { keyword: 'type', params: { type: name }, message: `must be ${name}` })
}

const noMoment = timestampFault('must be a date and time of RFC 3339')
const spelledOtherwise = timestampFault('must be written as toISOString() does')

const timestampSchema: NativeSchema = {
  type: timestampType,
  checks: [
    typeCheck(timestampType),
    {
      check: (value) => typeof value !== 'string' || isTimestampText(value),
      // Readers give a moment its one spelling before it is checked, so only those who write are told of that.
      error: (value) => (isMoment(value) ? spelledOtherwise : noMoment),
    },
  ],
}

function timestampFault(message: string): Fault {
  const params = { format: 'timestamp' }
  return { keyword: 'format', params, message: `${message}, such as 2026-01-31T12:00:00.000Z` }
}

function isMoment(value: unknown): boolean {
  return typeof value === 'string' && isTimestampText(toTimestampText(value))
}

function int64Checks({ minimum, maximum }: Int64Range): readonly Refinement[] {
  return [
    limit((value) => typeof value !== 'bigint' || value >= minimum, 'minimum', `must be >= ${minimum}`),
    limit((value) => typeof value !== 'bigint' || value <= maximum, 'maximum', `must be <= ${maximum}`),
  ]
}

function bytesChecks({ minLength, maxLength }: BytesRange): readonly Refinement[] {
  const fewer = `must not have fewer than ${minLength} bytes`
  const more = `must not have more than ${maxLength} bytes`
  return [
    limit((value) => !(value instanceof Uint8Array) || value.length >= minLength, 'minLength', fewer),
    limit((value) => !(value instanceof Uint8Array) || value.length <= maxLength, 'maxLength', more),
  ]
}

function limit(check: (value: unknown) => boolean, keyword: string, message: string): Refinement {
  return refinement(check, { keyword, params: {}, message })
}
