import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf'
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt'
import type { FilledSchema, JsonSchema } from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { Type } from '@tenon/core/typebox'
import type { Commentary } from './comment.ts'
import { type Int64Form, keyPattern, scalarSchema } from './scalar-schema.ts'
import { isWellKnownValue, wellKnownOf } from './well-known.ts'
import { wrappedField } from './wrapper.ts'

/** What the values of a service's messages depend on. */
export interface ValueSettings {
  readonly int64: Int64Form
  /** The messages that a google.protobuf.Any may hold. */
  readonly registry: Registry
  readonly commentary: Commentary
}

/**
 * The schema of a message's values in their ProtoJSON form, with 64-bit integers and bytes as native values.
 *
 * @throws ContractError `contract.schema` for a field whose name no JavaScript object can have.
 */
export function toMessageSchema(message: DescMessage, settings: ValueSettings): FilledSchema<unknown, unknown> {
  const named: Record<string, JsonSchema> = {}
  const root = knownSchema(message, settings) ?? objectSchema(message, { settings, named })
  return unsafe(Object.keys(named).length > 0 ? withDefinitions(root, named) : root)
}

interface Building {
  readonly settings: ValueSettings
  /** The messages inside others, by their full names. */
  readonly named: Record<string, JsonSchema>
}

/** Keeps what TypeBox stores in properties that are not enumerable. */
function withDefinitions(root: JsonSchema, named: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return Object.defineProperty(root, '$defs', { value: named, enumerable: true }) as JsonSchema
}

function unsafe(schema: JsonSchema): FilledSchema<unknown, unknown> {
  return (isUnsafe(schema) ? schema : Type.Unsafe(schema)) as unknown as FilledSchema<unknown, unknown>
}

function isUnsafe(schema: JsonSchema): boolean {
  return '~unsafe' in schema
}

function refined(schema: JsonSchema, check: (value: unknown) => boolean, message: string): JsonSchema {
  return Type.Refine(Type.Unsafe(schema), check, () => message) as unknown as JsonSchema
}

function objectSchema(message: DescMessage, building: Building): JsonSchema {
  const { commentary } = building.settings
  const required = message.fields.filter(({ presence }) => presence === FeatureSet_FieldPresence.LEGACY_REQUIRED)
  const schema: JsonSchema = {
    type: 'object',
    ...described(commentary.of(message), message.deprecated),
    properties: Object.fromEntries(message.fields.map((field) => [nameOf(field), fieldSchema(field, building)])),
    ...(required.length > 0 ? { required: required.map(({ jsonName }) => jsonName) } : {}),
  }
  return message.oneofs.reduce(withOneof, schema)
}

function nameOf(field: DescField): string {
  if (!(field.jsonName in Object.prototype)) return field.jsonName
  const message = `field ${field.parent.typeName}.${field.name} has a name that every JavaScript object has already, ${field.jsonName}; give it another json_name`
  throw new ContractError([{ code: 'contract.schema', message }])
}

/** At most one member of a oneof may be there; JSON Schema has no short way to say so. */
function withOneof(schema: JsonSchema, { fields }: DescOneof): JsonSchema {
  const names = fields.map(({ jsonName }) => jsonName)
  if (names.length < 2) return schema
  const isAlone = (value: unknown) =>
    typeof value !== 'object' ||
    value === null ||
    names.filter((name) => Reflect.get(value, name) !== undefined).length < 2
  return refined(schema, isAlone, `must have at most one of ${names.join(', ')}`)
}

function described(description: string | undefined, deprecated: boolean): JsonSchema {
  return { ...(description === undefined ? {} : { description }), ...(deprecated ? { deprecated } : {}) }
}

function fieldSchema(field: DescField, building: Building): JsonSchema {
  const schema = bareSchema(field, building)
  const remarks = described(building.settings.commentary.of(field), field.deprecated)
  for (const [keyword, value] of Object.entries(remarks))
    Object.defineProperty(schema, keyword, { value, enumerable: true })
  return schema
}

function bareSchema(field: DescField, building: Building): JsonSchema {
  if (field.fieldKind === 'list') return { type: 'array', items: elementSchema(field, building), default: [] }
  if (field.fieldKind === 'map') {
    const pattern = keyPattern(field.mapKey)
    const names = pattern === undefined ? {} : { propertyNames: { pattern } }
    return { type: 'object', additionalProperties: elementSchema(field, building), ...names, default: {} }
  }
  return elementSchema(field, building, field.presence === FeatureSet_FieldPresence.IMPLICIT)
}

/** Of a field, an item of a list or an entry of a map. */
function elementSchema(field: DescField, building: Building, hasDefault = false): JsonSchema {
  const { int64 } = building.settings
  if (field.message) return messageSchema(field.message, building)
  if (field.enum) return enumSchema(field.enum, hasDefault)
  const isText = field.fieldKind !== 'map' && field.longAsString
  return scalarSchema(field.scalar ?? ScalarType.STRING, { int64: isText ? 'string' : int64, hasDefault })
}

function messageSchema(message: DescMessage, building: Building): JsonSchema {
  const { settings, named } = building
  const known = knownSchema(message, settings)
  if (known) return known
  if (!Object.hasOwn(named, message.typeName)) {
    // Before its fields, which may be of the same message.
    named[message.typeName] = {}
    named[message.typeName] = objectSchema(message, building)
  }
  return { $ref: `#/$defs/${message.typeName}` }
}

/** Of what ProtoJSON writes as something else than an object of its fields; undefined for any other message. */
function knownSchema(message: DescMessage, { int64, registry }: ValueSettings): JsonSchema | undefined {
  const wrapped = wrappedField(message)
  if (wrapped) return scalarSchema(wrapped.scalar, { int64, hasDefault: false })
  const known = wellKnownOf(message)
  return known && refined(known.schema, isWellKnownValue(message, registry), `must be ${known.expected}`)
}

/** An open enum also has the numbers that are not known yet. @see Protocol Buffers, enum behaviour */
function enumSchema({ typeName, values, open }: DescEnum, hasDefault: boolean): JsonSchema {
  if (typeName === 'google.protobuf.NullValue') return { type: 'null' }
  const names = { enum: values.map(({ jsonName }) => jsonName) }
  const initial = hasDefault ? { default: values[0]?.jsonName } : {}
  if (!open) return { ...names, ...initial }
  const numbers = [...new Set(values.map(({ number }) => number))]
  const unknown = { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1, not: { enum: numbers } }
  return { anyOf: [names, unknown], ...initial }
}
