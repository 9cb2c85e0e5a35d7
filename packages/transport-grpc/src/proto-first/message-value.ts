import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  type Message,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf'
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt'
import { withoutPrototypes } from './own-json.ts'
import type { Int64Form } from './scalar-schema.ts'
import { wellKnownFromValue, wellKnownOf, wellKnownToValue } from './well-known.ts'
import { type WrappedField, wrappedField } from './wrapper.ts'

type Fields = Record<string, unknown>
type Convert = (given: unknown) => unknown

/** Both directions between the messages of protobuf-es and plain values. */
export interface Values {
  readonly toValue: (message: Message) => unknown
  /** @throws Error for a value that does not have the message's types. */
  readonly fromValue: (value: unknown) => Message
}

interface Settings {
  readonly int64: Int64Form
  readonly registry: Registry
}

/** Compiles the conversions of a message and all that it holds, each once. */
export function compileValues(message: DescMessage, settings: Settings): Values {
  const known = new Map<DescMessage, Values>()
  const valuesOf = (desc: DescMessage): Values => {
    const found = known.get(desc)
    if (found) return found
    const toField: ((local: Fields, value: Fields) => void)[] = []
    const fromField: ((value: Fields, local: Fields) => void)[] = []
    const values: Values = {
      toValue: (local) => {
        const value: Fields = {}
        for (const convert of toField) convert(local as unknown as Fields, value)
        return value
      },
      fromValue: (value) => {
        if (!isObject(value)) throw new TypeError(`expected an object for ${desc.typeName}`)
        const local = create(desc)
        for (const convert of fromField) convert(value, local as unknown as Fields)
        return local
      },
    }
    // Before its fields, which may be of the same message.
    known.set(desc, values)
    for (const field of desc.fields) {
      const both = compileField(field, { settings, valuesOf })
      toField.push(compileToField(field, both.toValue))
      fromField.push(compileFromField(field, both.fromValue))
    }
    return values
  }
  const { toValue, fromValue } = compileWhole(message, { settings, valuesOf })
  return { toValue, fromValue: (value) => fromValue(value) as Message }
}

interface Context {
  readonly settings: Settings
  readonly valuesOf: (message: DescMessage) => Values
}

/** Both directions of what stands at one place. */
interface Both {
  readonly toValue: Convert
  readonly fromValue: Convert
}

function compileToField({ jsonName, localName, oneof, presence }: DescField, convert: Convert) {
  if (oneof) {
    const group = oneof.localName
    return (local: Fields, value: Fields) => {
      const chosen = local[group] as { readonly case: string | undefined; readonly value?: unknown }
      if (chosen.case === localName) value[jsonName] = convert(chosen.value)
    }
  }
  if (presence === FeatureSet_FieldPresence.IMPLICIT) {
    return (local: Fields, value: Fields) => {
      value[jsonName] = convert(local[localName])
    }
  }
  // What proto2 gives where a field is absent is inherited.
  return (local: Fields, value: Fields) => {
    if (local[localName] !== undefined && Object.hasOwn(local, localName)) value[jsonName] = convert(local[localName])
  }
}

function compileFromField({ jsonName, localName, oneof }: DescField, convert: Convert) {
  const group = oneof?.localName
  return (value: Fields, local: Fields) => {
    const given = value[jsonName]
    if (given === undefined) return
    if (group === undefined) local[localName] = convert(given)
    else local[group] = { case: localName, value: convert(given) }
  }
}

function compileField(field: DescField, context: Context): Both {
  const element = compileElement(field, context)
  if (field.fieldKind === 'list') return compileList(element)
  if (field.fieldKind === 'map') return compileMap(element)
  return element
}

function compileList({ toValue, fromValue }: Both): Both {
  return {
    toValue: (items) => (toValue === same ? items : (items as readonly unknown[]).map(toValue)),
    fromValue: (items) => {
      if (!Array.isArray(items)) throw new TypeError('expected a list')
      return items.map(fromValue)
    },
  }
}

function compileMap({ toValue, fromValue }: Both): Both {
  const each = (convert: Convert) => (entries: unknown) => {
    if (!isObject(entries)) throw new TypeError('expected an object')
    const kept = Object.entries(entries).filter(([key]) => key !== '__proto__')
    return Object.fromEntries(kept.map(([key, entry]) => [key, convert(entry)]))
  }
  return { toValue: each(toValue), fromValue: each(fromValue) }
}

function compileElement(field: DescField, context: Context): Both {
  const { settings } = context
  if (field.enum) return compileEnum(field.enum)
  if (field.message) return compileMessage(field, field.message, context)
  const isText = field.fieldKind !== 'map' && field.longAsString
  return isText ? identity : compileScalar(field.scalar ?? ScalarType.STRING, settings.int64)
}

function compileMessage(field: DescField, message: DescMessage, context: Context): Both {
  const wrapped = wrappedField(message)
  // A field of its own holds the value itself.
  if (wrapped && field.fieldKind === 'message' && !field.oneof)
    return compileScalar(wrapped.scalar, context.settings.int64)
  // Held as the JSON that it is.
  if (message.typeName === 'google.protobuf.Struct') return { toValue: withoutPrototypes, fromValue: withoutPrototypes }
  return compileWhole(message, context)
}

/** Of a message that is there as itself: at the root, in a oneof, a list or a map. */
function compileWhole(message: DescMessage, { settings, valuesOf }: Context): Both {
  const wrapped = wrappedField(message)
  if (wrapped) return compileWrapper(message, wrapped, settings)
  if (wellKnownOf(message))
    return {
      toValue: wellKnownToValue(message, settings.registry),
      fromValue: wellKnownFromValue(message, settings.registry),
    }
  const values = valuesOf(message)
  return { toValue: (local) => values.toValue(local as Message), fromValue: values.fromValue }
}

function compileWrapper(message: DescMessage, { field, scalar }: WrappedField, { int64 }: Settings): Both {
  const both = compileScalar(scalar, int64)
  const name = field.localName
  return {
    toValue: (local) => both.toValue((local as Fields)[name]),
    fromValue: (value) => create(message, { [name]: both.fromValue(value) } as never),
  }
}

function compileEnum({ typeName, values, value }: DescEnum): Both {
  if (typeName === 'google.protobuf.NullValue') return { toValue: () => null, fromValue: () => 0 }
  const numbers = new Map<unknown, number>(values.map(({ jsonName, number }) => [jsonName, number]))
  return {
    toValue: (number) => value[number as number]?.jsonName ?? number,
    fromValue: (given) => {
      const number = typeof given === 'number' ? given : numbers.get(given)
      if (number === undefined) throw new TypeError(`expected a value of ${typeName}`)
      return number
    },
  }
}

const longs: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
])

function compileScalar(scalar: ScalarType, int64: Int64Form): Both {
  if (longs.has(scalar) && int64 === 'string') return longAsText
  if (scalar === ScalarType.BYTES) return bytesCopied
  return scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT ? floating : identity
}

const same: Convert = (given) => given
const identity: Both = { toValue: same, fromValue: same }
const longAsText: Both = { toValue: (given) => String(given), fromValue: (given) => BigInt(String(given)) }
/** The library gives a view of the message. */
const bytesCopied: Both = { toValue: (given) => new Uint8Array(given as Uint8Array), fromValue: same }

/** @see Protocol Buffers, JSON mapping: what is no finite number is text */
const floating: Both = {
  toValue: (given) => (Number.isFinite(given) ? given : String(given)),
  fromValue: (given) => (typeof given === 'string' ? Number(given) : given),
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
