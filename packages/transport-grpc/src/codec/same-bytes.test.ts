import { create, createFileRegistry, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import {
  bytes,
  type Contract,
  contract,
  contractInfo,
  int64,
  type JsonSchema,
  type Schema,
  timestamp,
  uint64,
} from '@tenon/core/contract'
import { compileJsonWriter, compileSchema } from '@tenon/core/transport'
import fc from 'fast-check'
import { type TSchema, Type } from 'typebox'
import { expect, test } from 'vitest'
import { toFiles } from '../proto/file-descriptor.ts'
import type { FieldShape, FieldType, MessageShape } from '../proto/message-shape.ts'
import { toServiceShape } from '../proto/service-shape.ts'
import { compileCodec } from './message-codec.ts'

/** Our codec of a schema, and the library's reading of our descriptor of it. */
function prepare(output: Schema) {
  const operation = { input: Type.Object({}), output }
  const service = toServiceShape(contractInfo(contract('demo.v1.Demo', { doIt: operation }) as Contract))
  const set = create(FileDescriptorSetSchema, { file: [...toFiles(service)].reverse() })
  const descriptor = createFileRegistry(set).getMessage('demo.v1.DoItResponse')
  const [method] = service.methods
  if (descriptor === undefined || method === undefined) throw new Error('expected a message')
  return { codec: compileCodec(method.response), shape: method.response, descriptor, schema: compileSchema(output) }
}

interface Case {
  readonly schema: TSchema
  readonly value: fc.Arbitrary<unknown>
  /** Whether it is a list or a record. */
  readonly isSeveral?: true
}

const dates = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }
const moment = fc
  .tuple(fc.date(dates), fc.constantFrom('', '001', '999', '123456', '000001', '120'))
  .map(([date, more]) => date.toISOString().replace('Z', `${more}Z`))
const key = fc.string({ unit: 'grapheme' }).filter((one) => one !== '__proto__')
const dictionary = (value: fc.Arbitrary<unknown>) => fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true })

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, -1.5, Number.MAX_SAFE_INTEGER),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json'), { maxLength: 3 }),
    dictionary(tie('json')),
  ),
}))

const Tree = Type.Cyclic(
  {
    Tree: Type.Object({
      label: Type.String(),
      left: Type.Union([Type.Ref('Tree'), Type.Null()]),
      right: Type.Optional(Type.Union([Type.Ref('Tree'), Type.Null()])),
      others: Type.Array(Type.Ref('Tree')),
    }),
  },
  'Tree',
)
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.record(
    {
      label: fc.string(),
      left: fc.option(tie('tree'), { nil: null, maxDepth: 3 }),
      right: fc.option(tie('tree'), { nil: null, maxDepth: 3 }),
      others: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('tree'), { maxLength: 2 })),
    },
    { requiredKeys: ['label', 'left', 'others'], noNullPrototype: true },
  ),
}))

const leaf = fc.constantFrom<Case>(
  { schema: Type.String(), value: fc.string({ unit: 'grapheme' }) },
  { schema: Type.Boolean(), value: fc.boolean() },
  { schema: Type.Number(), value: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { schema: Type.Integer(), value: fc.maxSafeInteger() },
  { schema: Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647 }), value: fc.integer() },
  { schema: int64(), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { schema: uint64(), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { schema: bytes(), value: fc.uint8Array({ maxLength: 100 }) },
  { schema: timestamp(), value: moment },
  {
    schema: Type.Union([Type.Literal('open'), Type.Literal('inTransit')]),
    value: fc.constantFrom('open', 'inTransit'),
  },
  { schema: Type.Union([Type.Literal(-1), Type.Literal(2 ** 40)]), value: fc.constantFrom(-1, 2 ** 40) },
  { schema: Type.Unknown(), value: json },
  { schema: Type.Tuple([Type.String(), Type.Integer()]), value: fc.tuple(fc.string(), fc.maxSafeInteger()) },
  { schema: Type.Union([Type.String(), Type.Integer()]), value: fc.oneof(fc.string(), fc.maxSafeInteger()) },
  { schema: Tree, value: tree },
)

const listOf = ({ schema, value }: Case): Case => ({
  schema: Type.Array(schema),
  value: fc.array(value, { maxLength: 4 }),
  isSeveral: true,
})
const recordOf = ({ schema, value }: Case): Case => ({
  schema: Type.Record(Type.String(), schema),
  value: dictionary(value),
  isSeveral: true,
})
const nullable = ({ schema, value }: Case): Case => ({
  schema: Type.Union([schema, Type.Null()]),
  value: fc.option(value, { nil: null }),
})

type Field = readonly [Case, boolean]

function objectOf(fields: readonly Field[], kind?: string | number): Case {
  // An empty list that may be absent reads as absent, as protobuf has it.
  const named = fields.map(([field, isOptional], index) => ({
    name: `field${'ABCDE'[index]}x`,
    ...field,
    isOptional: isOptional && field.isSeveral === undefined,
  }))
  const marks =
    kind === undefined
      ? []
      : [{ name: 'kind', schema: Type.Literal(kind), value: fc.constant(kind), isOptional: false }]
  const all = [...named.slice(0, 1), ...marks, ...named.slice(1)]
  return {
    schema: Type.Object(
      Object.fromEntries(
        all.map(({ name, schema, isOptional }) => [name, isOptional ? Type.Optional(schema) : schema]),
      ),
    ),
    value: fc.record(Object.fromEntries(all.map(({ name, value }) => [name, value])), {
      requiredKeys: all.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
      noNullPrototype: true,
    }),
  }
}

function unionOf(members: readonly Case[]): Case {
  return {
    schema: Type.Union(members.map(({ schema }) => schema)),
    value: fc.oneof(...members.map(({ value }) => value)),
  }
}

const { message } = fc.letrec<{ message: Case; type: Case; fields: Field[]; union: Case }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    leaf,
    tie('message'),
    tie('union'),
    tie('type').map(nullable),
    tie('type').map(listOf),
    tie('type').map(recordOf),
  ),
  fields: fc.array(fc.tuple(tie('type'), fc.boolean()), { maxLength: 4 }),
  message: tie('fields').map((fields) => objectOf(fields)),
  union: fc
    .tuple(tie('fields'), tie('fields'), tie('fields'))
    .map(([one, two, three]) => unionOf([objectOf(one, 'inTransit'), objectOf(two, 'kind'), objectOf(three, 3)])),
}))

// A guess: hundreds of schemas, each compiled by two libraries, on a machine that does other things as well.
const options = { timeout: 60_000 }

test('bytes mean the same to the protobuf library, in both directions, whatever the schema', options, () => {
  const cases = message.chain(({ schema, value }) => value.map((one) => ({ schema, value: one })))
  fc.assert(
    fc.property(cases, ({ schema, value }) => requireSame(schema, value)),
    { numRuns: 120 },
  )
})

test('an output may be any value, which is a message around it where it is none itself', options, () => {
  const cases = fc
    .oneof(leaf, leaf.map(listOf), leaf.map(recordOf), leaf.map(nullable), leaf.map(listOf).map(listOf).map(nullable))
    .chain(({ schema, value }) => value.map((one) => ({ schema, value: one })))
  fc.assert(
    fc.property(cases, ({ schema, value }) => requireSame(schema, value)),
    { numRuns: 100 },
  )
})

function requireSame(given: TSchema, value: unknown): void {
  const { codec, descriptor, shape, schema } = prepare(given as unknown as Schema)
  // What a reader behind JSON has, which knows no -0.
  const written: unknown = JSON.parse(compileJsonWriter(given as unknown as JsonSchema)(value))
  const plain = (schema.read(written) as { value: unknown }).value
  expect(codec.decode(codec.encode(plain))).toEqual(plain)
  const read = fromJson(descriptor, toProtoJson(shape, plain))
  expect(toJson(descriptor, fromBinary(descriptor, codec.encode(plain)))).toEqual(toJson(descriptor, read))
  expect(codec.decode(toBinary(descriptor, read))).toEqual(plain)
}

type Fields = Readonly<Record<string, unknown>>

/** A value as the library's own JSON has it. */
function toProtoJson(shape: MessageShape, value: unknown): JsonValue {
  const { form, fields } = shape
  if (form.kind === 'object') return objectJson(fields, value as Fields)
  if (form.kind === 'union') {
    const { [form.mark]: constant, ...rest } = value as Fields
    const field = fields.find((one) => one.constant === constant)
    return field ? { [field.name]: typeJson(field.type, rest) } : null
  }
  if (form.kind !== 'nullable') return objectJson(fields, Object.fromEntries(fields.map(({ name }) => [name, value])))
  const [, something] = fields
  return value === null || !something ? { nullValue: null } : { value: typeJson(something.type, value) }
}

function objectJson(fields: readonly FieldShape[], value: Fields): JsonValue {
  const given = fields.filter(
    ({ name, isNullable }) => value[name] !== undefined && !(isNullable && value[name] === null),
  )
  return Object.fromEntries(given.map((field) => [field.name, fieldJson(field, value[field.name])]))
}

function fieldJson({ type, label }: FieldShape, value: unknown): JsonValue {
  if (label === 'repeated') return (value as unknown[]).map((item) => typeJson(type, item))
  if (label !== 'map') return typeJson(type, value)
  return Object.fromEntries(Object.entries(value as Fields).map(([name, item]) => [name, typeJson(type, item)]))
}

function typeJson(type: FieldType, value: unknown): JsonValue {
  if (type.kind === 'message') return toProtoJson(type.shape, value)
  if (type.kind === 'enum') return type.shape.values.find(({ text }) => text === value)?.protoName ?? null
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : (value as JsonValue)
}
