import {
  bytes,
  type Contract,
  contract,
  contractInfo,
  int64,
  type JsonSchema,
  type Schema,
  stream,
  timestamp,
} from '@tenon/core/contract'
import { ContractError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { FieldShape, MessageShape } from './message-shape.ts'
import { toServiceShape } from './service-shape.ts'

const empty = Type.Object({})

function shapesOf(input: Schema, output: Schema = empty, name = 'demo.v1.Shop') {
  return toServiceShape(contractInfo(contract(name, { doIt: { input, output } }) as Contract))
}

function requestOf(input: Schema): MessageShape {
  const [method] = shapesOf(input).methods
  if (method === undefined) throw new Error('expected a method')
  return method.request
}

function problemsOf(input: Schema, output: Schema = empty): readonly string[] {
  try {
    shapesOf(input, output)
  } catch (error) {
    if (error instanceof ContractError) return error.problems.map(({ code, message }) => `${code} ${message}`)
    throw error
  }
  return []
}

const summary = ({ protoName, number, label, type }: FieldShape) => `${label} ${nameOf(type)} ${protoName} = ${number}`

function nameOf(type: FieldShape['type']): string {
  if (type.kind === 'scalar') return type.scalar
  return `${type.kind} ${type.kind === 'known' ? type.known : type.shape.fullName}`
}

const unionOf = (...kinds: readonly (string | number | boolean)[]) =>
  Type.Union(kinds.map((kind) => Type.Object({ kind: Type.Literal(kind), size: Type.Number() })))

const unsafe = (schema: JsonSchema) => Type.Unsafe({ type: 'object', ...schema })

test('every schema that protobuf has a type for is mapped', () => {
  const { fields } = requestOf(
    Type.Object({
      userId: Type.String(),
      isOpen: Type.Boolean(),
      rating: Type.Number(),
      count: Type.Integer({ minimum: 0, maximum: 100 }),
      placedAt: Type.Integer(),
      state: Type.Union([Type.Literal('open'), Type.Literal('inTransit')]),
      kind: Type.Literal('order'),
      address: Type.Object({ zip: Type.Optional(Type.String()) }),
      tags: Type.Array(Type.String()),
      lines: Type.Array(Type.Object({ sku: Type.String() })),
      prices: Type.Record(Type.String(), Type.Number()),
    }),
  )
  expect(fields.map(summary)).toEqual([
    'optional string user_id = 1',
    'optional bool is_open = 2',
    'optional double rating = 3',
    'optional int32 count = 4',
    'optional int64 placed_at = 5',
    'optional enum demo.v1.DoItRequest.State state = 6',
    'optional enum demo.v1.DoItRequest.Kind kind = 7',
    'optional message demo.v1.DoItRequest.Address address = 8',
    'repeated string tags = 9',
    'repeated message demo.v1.DoItRequest.Lines lines = 10',
    'map double prices = 11',
  ])
  expect(fields.every(({ isRequired }) => isRequired)).toBe(true)
})

test('the values of an enum begin at 1, behind the one that stands for none', () => {
  const [field] = requestOf(z.object({ state: z.enum(['open', 'inTransit']) })).fields
  expect(field?.type).toMatchObject({
    kind: 'enum',
    shape: {
      values: [
        { text: '', protoName: 'STATE_UNSPECIFIED', number: 0 },
        { text: 'open', protoName: 'STATE_OPEN', number: 1 },
        { text: 'inTransit', protoName: 'STATE_IN_TRANSIT', number: 2 },
      ],
    },
  })
})

test('a service has a method for every operation that does not say grpc: false', () => {
  const spec = { input: empty, output: empty }
  const info = contractInfo(
    contract('demo.v1.Shop', {
      getUser: spec,
      hidden: { ...spec, grpc: false },
      watch: { ...spec, output: stream(empty) },
    }) as Contract,
  )
  const { fullName, package: owner, name, methods } = toServiceShape(info)
  expect([fullName, owner, name]).toEqual(['demo.v1.Shop', 'demo.v1', 'Shop'])
  expect(methods.map((method) => [method.name, method.request.fullName, method.response.name])).toEqual([
    ['GetUser', 'demo.v1.GetUserRequest', 'GetUserResponse'],
    ['Watch', 'demo.v1.WatchRequest', 'WatchResponse'],
  ])
})

test('references are written out, by pointer and by name', () => {
  const Line = { type: 'object', properties: { sku: { type: 'string' } } }
  const byPointer = unsafe({ properties: { a: { $ref: '#/$defs/Li~1ne' } }, $defs: { 'Li/ne': Line } })
  const byName = unsafe({ properties: { a: { $ref: 'Line' } }, $defs: { Line } })
  for (const schema of [byPointer, byName]) {
    expect(requestOf(schema).fields.map(summary)).toEqual(['optional message demo.v1.DoItRequest.A a = 1'])
    expect(requestOf(schema).messages[0]?.fields.map(summary)).toEqual(['optional string sku = 1'])
  }
})

const emptyInstead = 'which protobuf cannot tell from an empty one'

describe('what protobuf cannot express is refused', () => {
  const input = 'contract.schema operation demo.v1.Shop/doIt: input cannot be a protobuf message:'
  const fieldAdvice =
    'rename it: a letter, then ASCII letters, digits, _ and -, and no member of every JavaScript object'
  const partAdvice = 'rename one of them'
  const listAdvice = 'make it required and without a default, give it an empty default, or let it be null'
  const distinct = 'with ASCII letters or digits, that stay apart without case and separators'
  const any = (schema: JsonSchema) => Type.Object({ a: Type.Unsafe(schema) })
  const noJson = 'which no JSON value of protobuf has'
  const cases: readonly (readonly [name: string, schema: Schema, found: string, advice?: string])[] = [
    [
      'a union of an int64 and a text',
      Type.Object({ a: Type.Union([int64(), Type.Integer()]) }),
      `/properties/a is a union with int64() at /properties/a/anyOf/0 in it, ${noJson}`,
    ],
    [
      'a tuple with bytes somewhere in it',
      Type.Object({ a: Type.Tuple([Type.Object({ data: bytes() })]) }),
      `/properties/a is a tuple with bytes() at /properties/a/items/0/properties/data in it, ${noJson}`,
    ],
    [
      'an object that is a record of timestamps too',
      unsafe({ properties: { a: { type: 'string' } }, additionalProperties: timestamp() }),
      `the schema is an object that is also a record with timestamp() at /additionalProperties in it, ${noJson}`,
    ],
    [
      'an int64 in an intersection of two kinds of one field, behind a reference',
      unsafe({
        properties: {
          b: {
            allOf: [
              { type: 'object', properties: { a: { type: 'string' } } },
              { type: 'object', properties: { a: { $ref: '#/$defs/Id' } } },
            ],
          },
        },
        $defs: { Id: int64() },
      }),
      `/properties/b is an intersection with two kinds of a with int64() at /properties/b/allOf/1/properties/a/$ref in it, ${noJson}`,
    ],
    [
      'an unknown reference',
      any({ $ref: '#/$defs/No' }),
      '/properties/a is a reference to #/$defs/No, which is not in the schema',
    ],
    ['an unknown name', any({ $ref: 'No' }), '/properties/a is a reference to No, which is not in the schema'],
    [
      'a reference to itself',
      any({ $ref: '#/properties/a' }),
      '/properties/a is a reference that leads to nothing but itself',
    ],
    [
      'a union of itself',
      any({ anyOf: [{ $ref: '#/properties/a' }, { type: 'string' }] }),
      '/properties/a is a union of nothing but itself',
    ],
    [
      'a name of other letters',
      unsafe({ properties: { größe: { type: 'string' } } }),
      '/properties/größe is a field whose name protobuf cannot have',
      fieldAdvice,
    ],
    [
      'a name that begins with a digit',
      Type.Object({ '1st': Type.String() }),
      '/properties/1st is a field whose name protobuf cannot have',
      fieldAdvice,
    ],
    [
      'an alternative that would have the name of the oneof beside it',
      Type.Object({ a: unionOf('kind', 'kind_of') }),
      '/properties/a is an object with two parts that protobuf would both call kind_of',
      partAdvice,
    ],
    [
      'a name that every object has',
      Type.Object({ toString: Type.String() }),
      '/properties/toString is a field whose name protobuf cannot have',
      fieldAdvice,
    ],
    [
      'two fields of one name',
      Type.Object({ userId: Type.String(), user_id: Type.String() }),
      'the schema is an object with two parts that protobuf would both call user_id',
      partAdvice,
    ],
    [
      'two fields that would have one name in JSON',
      Type.Object({ a1: Type.String(), a_1: Type.String() }),
      'the schema is an object with two parts that protobuf would both call a1',
      partAdvice,
    ],
    [
      'two types of one name',
      Type.Object({ price: Type.Record(Type.String(), Type.Number()), priceEntry: empty }),
      'the schema is an object with two parts that protobuf would both call PriceEntry',
      partAdvice,
    ],
    [
      'a message that would have the name of an entry, which is two names for one place in a wrapper',
      Type.Object({ a: Type.Array(Type.Array(Type.String())), A: empty }),
      'the schema is an object with two parts that protobuf would both call a',
      partAdvice,
    ],
    [
      'enum values that clash',
      z.object({ state: z.enum(['done x']), stateDone: z.enum(['x']) }),
      'the schema is an object with two parts that protobuf would both call STATE_DONE_X',
      partAdvice,
    ],
    [
      'texts that give one name',
      z.object({ a: z.enum(['in-transit', 'inTransit']) }),
      '/properties/a is a choice of texts that give no distinct protobuf names: in-transit, inTransit',
      `use texts other than unspecified ${distinct}`,
    ],
    [
      'texts that give one name once the prefix is gone',
      z.object({ a: z.enum(['v1', 'v_1']) }),
      '/properties/a is a choice of texts that give no distinct protobuf names: v1, v_1',
      `use texts other than unspecified ${distinct}`,
    ],
    [
      'alternatives whose constants give one name',
      Type.Object({ a: unionOf('in-transit', 'inTransit') }),
      '/properties/a is a union whose "kind" gives no distinct protobuf names',
      `use constants of "kind" ${distinct}`,
    ],
    [
      'an alternative whose constant gives no name',
      Type.Object({ a: unionOf('ü', 'b') }),
      '/properties/a is a union whose "kind" gives no distinct protobuf names',
      `use constants of "kind" ${distinct}`,
    ],
    [
      'a list that may be absent',
      Type.Object({ a: Type.Optional(Type.Array(Type.String())) }),
      `/properties/a is a list or record that may be absent, ${emptyInstead}`,
      listAdvice,
    ],
    [
      'a required list with a default that is not empty, which absence would stand for',
      Type.Object({ a: Type.Array(Type.String(), { default: ['b'] }) }),
      `/properties/a is a list or record that may be absent, ${emptyInstead}`,
      listAdvice,
    ],
    [
      'a record that may be absent, with a default that is not empty',
      Type.Object({ a: Type.Optional(Type.Record(Type.String(), Type.String(), { default: { b: 'c' } })) }),
      `/properties/a is a list or record that may be absent, ${emptyInstead}`,
      listAdvice,
    ],
    [
      'a required list whose default stands where it is referred to',
      unsafe({
        properties: { a: { $ref: '#/$defs/List' } },
        required: ['a'],
        $defs: { List: { type: 'array', items: { type: 'string' }, default: ['b'] } },
      }),
      `/properties/a is a list or record that may be absent, ${emptyInstead}`,
      listAdvice,
    ],
    [
      'the text unspecified',
      z.object({ a: z.enum(['unspecified']) }),
      '/properties/a is a choice of texts that give no distinct protobuf names: unspecified',
      `use texts other than unspecified ${distinct}`,
    ],
  ]
  const general = 'use a type that protobuf has'
  test.each(cases.map(([name, schema, found, advice = general]) => ({ name, schema, found, advice })))(
    '$name',
    ({ schema, found, advice }) => {
      expect(problemsOf(schema)[0]).toBe(`${input} ${found}; ${advice}, or grpc: false`)
    },
  )

  test.each(['_id', '-name', 'a b'])('the name %j, by its path', (name) => {
    const schema = Type.Object({ inner: Type.Object({ [name]: Type.String() }) })
    const found = `/properties/inner/properties/${name} is a field whose name protobuf cannot have`
    expect(problemsOf(schema)[0]).toBe(`${input} ${found}; ${fieldAdvice}, or grpc: false`)
  })

  test('but not a list that may be absent when it is empty then', () => {
    const list = Type.Optional(Type.Array(Type.String(), { default: [] }))
    expect(problemsOf(Type.Object({ list }))).toEqual([])
  })

  test('all problems at once', () => {
    const nothing = Type.Union([int64(), Type.String()])
    expect(problemsOf(Type.Object({ a: nothing, b: Type.Object({ c: nothing }) }), nothing)).toHaveLength(3)
  })

  test('a message that would have the name of its service', () => {
    expect(() => shapesOf(empty, empty, 'demo.v1.DoItRequest')).toThrow(/name of its service.*\[contract\.name\]/)
  })
})
