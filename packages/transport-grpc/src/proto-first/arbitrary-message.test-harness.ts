import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf'
import {
  anyPack,
  AnySchema,
  DurationSchema,
  FieldMaskSchema,
  isWrapperDesc,
  ListValueSchema,
  StructSchema,
  TimestampSchema,
  ValueSchema,
} from '@bufbuild/protobuf/wkt'
import fc, { type Arbitrary } from 'fast-check'
import { MoneySchema } from '../../fixture/gen/corpus/v1/shared_pb.js'

/** Any message of a type, as protobuf-es holds it: every field absent, at its limits, or anything between. */
export function anyMessage(message: DescMessage, depth = 2): Arbitrary<Message> {
  const known = wellKnown[message.typeName]
  if (known) return known()
  const fields = message.fields.filter(({ oneof }) => oneof === undefined).map((field) => anyField(field, depth))
  const oneofs = message.oneofs.map(({ localName, fields: members }) => {
    const possible = members.filter((field) => !isTooDeep(field, depth))
    const choices = possible.map((field) =>
      anySingular(field, depth).map((value) => ({ case: field.localName, value })),
    )
    return fc.option(fc.oneof(...choices), { nil: undefined, freq: 3 }).map((choice) => [localName, choice] as const)
  })
  return fc.tuple(...fields, ...oneofs).map((entries) => {
    const init = Object.fromEntries(entries.filter(([, value]) => value !== undefined))
    return create(message, init as never)
  })
}

function anyField(field: DescField, depth: number): Arbitrary<readonly [string, unknown]> {
  const absent = fc.constant(undefined)
  // Most are absent, for a message has many.
  const value = isTooDeep(field, depth)
    ? absent
    : fc.oneof({ arbitrary: absent, weight: 4 }, { arbitrary: anyValue(field, depth), weight: 1 })
  return value.map((one) => [field.localName, one] as const)
}

function isTooDeep({ message }: DescField, depth: number): boolean {
  return message !== undefined && wellKnown[message.typeName] === undefined && !isWrapperDesc(message) && depth <= 0
}

function anyValue(field: DescField, depth: number): Arbitrary<unknown> {
  if (field.fieldKind === 'list') return anyList(field, depth)
  return field.fieldKind === 'map' ? anyMap(field, depth) : anySingular(field, depth)
}

function anyList(field: DescField, depth: number): Arbitrary<unknown> {
  return fc.array(anyElement(field, depth - 1), { maxLength: 3 })
}

function anyMap(field: DescField & { fieldKind: 'map' }, depth: number): Arbitrary<unknown> {
  const key = anyScalar(field.mapKey).map(String)
  return fc
    .array(fc.tuple(key, anyElement(field, depth - 1)), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries.filter(([name]) => name !== '__proto__')))
}

/** A wrapper of its own field is its value. */
function anySingular(field: DescField, depth: number): Arbitrary<unknown> {
  const { message } = field
  if (message && isWrapperDesc(message) && !field.oneof)
    return anyScalar(message.fields[0]?.scalar ?? ScalarType.STRING)
  return anyElement(field, depth - 1)
}

function anyElement(field: DescField, depth: number): Arbitrary<unknown> {
  if (field.enum) {
    if (field.enum.typeName === 'google.protobuf.NullValue') return fc.constant(0)
    return fc.oneof(
      fc.constantFrom(...field.enum.values.map(({ number }) => number)),
      fc.integer({ min: -100, max: 100 }),
    )
  }
  if (field.message) {
    if (field.message.typeName === 'google.protobuf.Struct') return anyObject
    if (isWrapperDesc(field.message)) return anyWrapper(field.message)
    return anyMessage(field.message, depth)
  }
  if (field.fieldKind !== 'map' && field.longAsString) return anyScalar(field.scalar).map(String)
  return anyScalar(field.scalar ?? ScalarType.STRING)
}

function anyWrapper(message: DescMessage): Arbitrary<Message> {
  return anyScalar(message.fields[0]?.scalar ?? ScalarType.STRING).map((value) => create(message, { value } as never))
}

const text = fc.string({ unit: 'grapheme', maxLength: 6 })
const anyObject = fc.dictionary(text, fc.jsonValue({ maxDepth: 2 })).map((object) => {
  const json = JSON.parse(JSON.stringify(object)) as JsonObject
  return Object.fromEntries(Object.entries(json).filter(([name]) => name !== '__proto__'))
})
const anyJson = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  text,
  fc.integer(),
  anyObject,
  fc.array(fc.integer(), { maxLength: 2 }),
)
const time = fc.record({
  seconds: fc.bigInt(-62_135_596_800n, 253_402_300_799n),
  nanos: fc.constantFrom(0, 1, 1_000_000, 999_999_999),
})

const wellKnown: Readonly<Record<string, () => Arbitrary<Message>>> = {
  'google.protobuf.Timestamp': () => time.map((init) => create(TimestampSchema, init)),
  'google.protobuf.Duration': () =>
    fc
      .tuple(fc.bigInt(0n, 315_576_000_000n - 1n), fc.constantFrom(0, 1, 500_000_000), fc.constantFrom(1, -1))
      .map(([seconds, nanos, sign]) =>
        create(DurationSchema, { seconds: seconds * BigInt(sign), nanos: nanos === 0 ? 0 : nanos * sign }),
      ),
  'google.protobuf.FieldMask': () =>
    fc
      .array(fc.constantFrom('a', 'some_name', 'a.b_c'), { maxLength: 3 })
      .map((paths) => create(FieldMaskSchema, { paths })),
  'google.protobuf.Struct': () => anyObject.map((json) => fromJson(StructSchema, json)),
  'google.protobuf.Value': () => anyJson.map((json) => fromJson(ValueSchema, json as never)),
  'google.protobuf.ListValue': () =>
    fc.array(anyJson, { maxLength: 2 }).map((json) => fromJson(ListValueSchema, json as never)),
  'google.protobuf.Any': () =>
    fc.oneof(
      time.map((init) => anyPack(TimestampSchema, create(TimestampSchema, init))),
      fc.bigInt(1n, 10n).map((units) =>
        // Nothing is absent, for what is filled in elsewhere is not filled in here.
        anyPack(MoneySchema, create(MoneySchema, { currency: 'EUR', units, nanos: 1 })),
      ),
      fc.constant(create(AnySchema)),
    ),
}

function anyScalar(scalar: ScalarType): Arbitrary<unknown> {
  switch (scalar) {
    case ScalarType.STRING:
      return text
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 5 })
    case ScalarType.BOOL:
      return fc.boolean()
    case ScalarType.DOUBLE:
      return fc.double()
    case ScalarType.FLOAT:
      return fc.float()
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 })
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt(0n, 2n ** 64n - 1n)
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)
  }
}
