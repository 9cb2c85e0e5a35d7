import { type DescMessage, fromJson, type JsonValue, type Message, type Registry, toJson } from '@bufbuild/protobuf'
import type { JsonSchema } from '@tenon/core/contract'
import { withoutPrototypes } from './own-json.ts'
import { wrappedField } from './wrapper.ts'

/** A message that ProtoJSON writes as something else than an object of its fields. */
export interface WellKnown {
  /** What its values look like; what it does not say is checked by reading them. */
  readonly schema: JsonSchema
  readonly expected: string
}

/**
 * The well-known types with a form of their own, wrappers excepted.
 *
 * @see Protocol Buffers, JSON mapping
 */
export function wellKnownOf({ typeName }: DescMessage): WellKnown | undefined {
  return Object.hasOwn(table, typeName) ? table[typeName] : undefined
}

/** Whether the values of a message are one object each, which they must be as input. */
export function isOneObject(message: DescMessage): boolean {
  if (wrappedField(message)) return false
  return wellKnownOf(message) === undefined || message.typeName === 'google.protobuf.Struct'
}

const table: Readonly<Record<string, WellKnown>> = {
  'google.protobuf.Timestamp': {
    schema: { type: 'string', format: 'date-time' },
    expected: 'a date and time of the years 1 to 9999, with at most nanoseconds',
  },
  'google.protobuf.Duration': {
    schema: { type: 'string', pattern: '^-?\\d{1,12}(?:\\.\\d{1,9})?s$' },
    expected: 'a duration such as 1.5s, of at most 315576000000s',
  },
  'google.protobuf.FieldMask': { schema: { type: 'string' }, expected: 'names of fields, joined by commas' },
  'google.protobuf.Struct': { schema: { type: 'object', additionalProperties: true }, expected: 'a JSON object' },
  'google.protobuf.ListValue': { schema: { type: 'array', items: {} }, expected: 'a JSON list' },
  'google.protobuf.Value': { schema: {}, expected: 'a JSON value' },
  'google.protobuf.Any': {
    schema: { type: 'object', properties: { '@type': { type: 'string' } }, additionalProperties: true },
    expected: 'an object whose @type names a message that is known here, with its fields',
  },
}

/** Stands where bytes hold what ProtoJSON has no form for; no schema takes it, so that validation names the field. */
const unrepresentable = Number.NaN

/** The ProtoJSON form of a well-known message. */
export function wellKnownToValue(message: DescMessage, registry: Registry): (local: unknown) => unknown {
  return (local) => {
    try {
      return withoutPrototypes(toJson(message, local as Message, { registry }))
    } catch {
      return unrepresentable
    }
  }
}

/** The message that a ProtoJSON form stands for. @throws Error for one that stands for none. */
export function wellKnownFromValue(message: DescMessage, registry: Registry): (value: unknown) => Message {
  return (value) => fromJson(message, withoutPrototypes(value) as JsonValue, { registry })
}

/** Whether a value is the form of a message. */
export function isWellKnownValue(message: DescMessage, registry: Registry): (value: unknown) => boolean {
  const read = wellKnownFromValue(message, registry)
  return (value) => {
    try {
      if (!isJson(value)) return false
      read(value)
      return true
    } catch {
      return false
    }
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || ArrayBuffer.isView(value)) return false
  return Object.values(value).every(isJson)
}
