import { create, createFileRegistry } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import {
  type Contract,
  contract,
  contractInfo,
  int64,
  type JsonSchema,
  type Schema,
  timestamp,
  uint64,
} from '@tenon/core/contract'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toFiles } from './file-descriptor.ts'
import { type FieldType, type MessageShape, messagesOf } from './message-shape.ts'
import { toServiceShape } from './service-shape.ts'

function serviceOf(output: Schema) {
  const operation = { input: Type.Object({}), output }
  const service = toServiceShape(contractInfo(contract('demo.v1.Demo', { get: operation }) as Contract))
  // The library links all that is referred to.
  createFileRegistry(create(FileDescriptorSetSchema, { file: [...toFiles(service)].reverse() }))
  return service
}

/** Every message of the response as its full name, what its value is, and its fields. */
function linesOf(output: Schema): readonly string[] {
  const all = messagesOf(serviceOf(output)).filter(({ fullName }) => fullName.startsWith('demo.v1.GetResponse'))
  return all.map(
    (shape) => `${shape.fullName.slice('demo.v1.'.length)} ${headOf(shape)} { ${fieldsOf(shape).join('; ')} }`,
  )
}

function headOf({ form, oneof }: MessageShape): string {
  const mark = form.kind === 'union' ? ` by ${form.mark}` : ''
  return `${form.kind}${mark}${oneof ? ` oneof ${oneof}` : ''}`
}

function fieldsOf({ fields }: MessageShape): readonly string[] {
  return fields.map(({ protoName, number, type, label, isNullable }) => {
    const word = label === 'optional' ? '' : `${label} `
    return `${word}${nameOf(type)} ${protoName} = ${number}${isNullable ? ' or null' : ''}`
  })
}

function nameOf(type: FieldType): string {
  if (type.kind === 'scalar') return type.scalar
  return type.kind === 'known' ? type.known : type.shape.fullName.slice('demo.v1.'.length)
}

const unsafe = (schema: JsonSchema) => Type.Unsafe(schema) as Schema
const field = (schema: JsonSchema) => unsafe({ type: 'object', properties: { a: schema }, required: ['a'] })
const Null = { type: 'null' }

describe('null', () => {
  const note = ['GetResponse object { string a = 1 or null }']
  test.each<[string, JsonSchema]>([
    ['a union', { anyOf: [{ type: 'string' }, Null] }],
    ['a union of unions', { oneOf: [{ anyOf: [Null, Null] }, { allOf: [{ type: 'string' }, { minLength: 1 }] }] }],
    ['a choice of types', { type: ['string', 'null'], minLength: 1 }],
    ['a constant', { anyOf: [{ type: 'string' }, { const: null }] }],
  ])('as %s is the absence of a field that must be there', (_name, schema) => {
    expect(linesOf(field(schema))).toEqual(note)
  })

  test('in a choice of texts is none of them', () => {
    const lines = ['GetResponse object { GetResponse.A a = 1 or null }']
    expect(linesOf(field({ enum: ['b', null] }))).toEqual(lines)
    expect(linesOf(z.object({ a: z.enum(['b']).nullable() }))).toEqual(lines)
    // What its type does not allow is no choice.
    expect(linesOf(field({ type: 'string', enum: ['b', null] }))).toEqual([
      'GetResponse object { GetResponse.A a = 1 }',
    ])
  })

  test('is a message beside absence, and in lists, records and defaults', () => {
    const Note = Type.Union([Type.String(), Type.Null()])
    const wrapped = (name: string) =>
      `GetResponse.${name} nullable oneof kind { null null_value = 1; string value = 2 }`
    expect(
      linesOf(
        Type.Object({
          a: Type.Optional(Note),
          b: Type.Array(Note),
          c: Type.Record(Type.String(), Note),
          d: Type.Union([Type.String(), Type.Null()], { default: '' }),
        }),
      ),
    ).toEqual([
      'GetResponse object { GetResponse.A a = 1; repeated GetResponse.B b = 2; map GetResponse.C c = 3; GetResponse.D d = 4 }',
      ...['A', 'B', 'C', 'D'].map(wrapped),
    ])
  })

  test('of a list or a record is a message, which may also be absent', () => {
    const list = Type.Union([Type.Array(Type.String()), Type.Null()])
    expect(linesOf(Type.Object({ a: list, b: Type.Optional(list) }))).toEqual([
      'GetResponse object { GetResponse.A a = 1; GetResponse.B b = 2 }',
      'GetResponse.A nullable oneof kind { null null_value = 1; GetResponse.A.Value value = 2 }',
      'GetResponse.A.Value list { repeated string items = 1 }',
      'GetResponse.B nullable oneof kind { null null_value = 1; GetResponse.B.Value value = 2 }',
      'GetResponse.B.Value list { repeated string items = 1 }',
    ])
  })
})

describe('a union of objects', () => {
  const Circle = Type.Object({ kind: Type.Literal('circle'), size: Type.Number() })
  const Square = Type.Object({ size: Type.Integer(), kind: Type.Literal('darkSquare') })
  const Shape = Type.Union([Circle, Square])
  const inside = (name: string) => [
    `${name} union by kind oneof kind { ${name}.Circle circle = 1; ${name}.DarkSquare dark_square = 2 }`,
    `${name}.Circle object { double size = 1 }`,
    `${name}.DarkSquare object { int64 size = 1 }`,
  ]

  test('is a oneof of messages without the mark, wherever it stands', () => {
    const shapes = Type.Object({
      a: Shape,
      b: Type.Array(Shape),
      c: Type.Optional(Type.Record(Type.String(), Shape, { default: {} })),
    })
    expect(linesOf(shapes)).toEqual([
      'GetResponse object { GetResponse.A a = 1; repeated GetResponse.B b = 2; map GetResponse.C c = 3 }',
      ...['A', 'B', 'C'].flatMap((name) => inside(`GetResponse.${name}`)),
    ])
    expect(linesOf(Shape)).toEqual(inside('GetResponse'))
    expect(linesOf(field({ anyOf: [Circle, { anyOf: [Square, Null] }] }))).toEqual([
      'GetResponse object { GetResponse.A a = 1 or null }',
      ...inside('GetResponse.A'),
    ])
  })

  test('may have numbers and booleans for marks, which are named after the mark', () => {
    const variant = (version: number | boolean) => Type.Object({ version: Type.Literal(version) })
    const names = (...versions: readonly (number | boolean)[]) => linesOf(Type.Union(versions.map(variant)))[0]
    expect(names(1, 20)).toBe(
      'GetResponse union by version oneof kind { GetResponse.Version1 version_1 = 1; GetResponse.Version20 version_20 = 2 }',
    )
    expect(names(true, false)).toBe(
      'GetResponse union by version oneof kind { GetResponse.True true = 1; GetResponse.False false = 2 }',
    )
  })

  test('has another name for its oneof where an alternative has that', () => {
    expect(
      linesOf(z.discriminatedUnion('is', [z.object({ is: z.literal('kind') }), z.object({ is: z.literal('b') })]))[0],
    ).toBe('GetResponse union by is oneof kind_of { GetResponse.Kind kind = 1; GetResponse.B b = 2 }')
  })

  test('of which one has other types, or without a mark, is any JSON', () => {
    const any = ['GetResponse object { value a = 1 }']
    for (const anyOf of [
      [Circle, { type: 'string' }],
      [Circle, { type: 'object', properties: { kind: { type: 'string' } } }],
      [Circle, { type: 'object', properties: { kind: { const: 'circle' } }, required: ['kind'] }],
      [Circle, { ...Square, required: [] }],
      [Circle, { ...Square, additionalProperties: { type: 'string' } }],
    ])
      expect(linesOf(field({ anyOf }))).toEqual(any)
  })
})

test('lists and records in lists and records are messages', () => {
  const Rows = Type.Array(Type.Array(Type.Array(Type.Object({ b: Type.String() }))))
  const a = Type.Object({ a: Rows, c: Type.Record(Type.String(), Type.Record(Type.String(), Type.Array(timestamp()))) })
  expect(linesOf(a)).toEqual([
    'GetResponse object { repeated GetResponse.A a = 1; map GetResponse.C c = 2 }',
    'GetResponse.A list { repeated GetResponse.A.Items items = 1 }',
    'GetResponse.A.Items list { repeated GetResponse.A.Items.Items items = 1 }',
    'GetResponse.A.Items.Items object { string b = 1 }',
    'GetResponse.C record { map GetResponse.C.Entries entries = 1 }',
    'GetResponse.C.Entries list { repeated timestamp items = 1 }',
  ])
})

describe('what contains itself', () => {
  const node = 'string label = 1; GetResponse.A left = 2 or null; repeated GetResponse.A others = 3'
  const lines = [
    'GetResponse object { GetResponse.A a = 1; repeated GetResponse.A b = 2 }',
    `GetResponse.A object { ${node} }`,
  ]

  test('is one message, whichever library wrote it', () => {
    const left = Type.Union([Type.Ref('Node'), Type.Null()])
    const properties = { label: Type.String(), left, others: Type.Array(Type.Ref('Node')) }
    const Node = Type.Cyclic({ Node: Type.Object(properties) }, 'Node')
    const ofTypebox = linesOf(Type.Object({ a: Node, b: Type.Array(Node) }))
    expect(ofTypebox).toEqual(lines)
    const ZodNode = z.object({
      label: z.string(),
      get left() {
        return ZodNode.nullable()
      },
      get others() {
        return z.array(ZodNode)
      },
    })
    expect(linesOf(z.object({ a: ZodNode, b: z.array(ZodNode) }))).toEqual(lines)
  })

  test('is named after the place that is declared first', () => {
    const Node = Type.Cyclic({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }, 'Node')
    expect(linesOf(Type.Object({ b: Type.Array(Node), a: Node }))).toEqual([
      'GetResponse object { repeated GetResponse.B b = 1; GetResponse.B a = 2 }',
      'GetResponse.B object { GetResponse.B next = 1 }',
    ])
  })

  test('may be the whole, a union, a list, a record, and what may be null', () => {
    const type = 'object'
    expect(linesOf(unsafe({ type, properties: { a: { $ref: '#' } } }))).toEqual([
      'GetResponse object { GetResponse a = 1 }',
    ])
    const Not = { type, properties: { op: { const: 'not' }, of: { $ref: '#/$defs/Term' } }, required: ['op', 'of'] }
    const All = {
      type,
      properties: { op: { const: 'all' }, of: { type: 'array', items: { $ref: '#/$defs/Term' } } },
      required: ['op', 'of'],
    }
    expect(linesOf(unsafe({ $ref: '#/$defs/Term', $defs: { Term: { oneOf: [Not, All] } } }))).toEqual([
      'GetResponse union by op oneof kind { GetResponse.Not not = 1; GetResponse.All all = 2 }',
      'GetResponse.Not object { GetResponse of = 1 }',
      'GetResponse.All object { repeated GetResponse of = 1 }',
    ])
    const Rows = { type: 'array', items: { $ref: '#/properties/a' } }
    expect(linesOf(field(Rows))).toEqual([
      'GetResponse object { repeated GetResponse.A a = 1 }',
      'GetResponse.A list { repeated GetResponse.A items = 1 }',
    ])
    const Maybe = {
      type: ['object', 'null'],
      properties: { b: { $ref: '#/properties/a' }, c: { $ref: '#/properties/a' } },
      required: ['b'],
    }
    expect(linesOf(field(Maybe))).toEqual([
      'GetResponse object { GetResponse.A a = 1 or null }',
      'GetResponse.A object { GetResponse.A b = 1 or null; GetResponse.A.C c = 2 }',
      'GetResponse.A.C nullable oneof kind { null null_value = 1; GetResponse.A value = 2 }',
    ])
  })

  test('by way of many others is each of them once', () => {
    const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H']
    const properties = Object.fromEntries(names.map((name) => [name.toLowerCase(), { $ref: `#/$defs/${name}` }]))
    const $defs = Object.fromEntries(names.map((name) => [name, { type: 'object', properties }]))
    expect(linesOf(unsafe({ type: 'object', properties, $defs }))).toHaveLength(1 + names.length)
  })
})

test('an intersection of objects is one of them all', () => {
  const part = (name: string) => ({
    type: 'object',
    properties: { id: { type: 'string' }, [name]: { type: 'boolean' } },
  })
  const lines = ['GetResponse object { string id = 1; bool a = 2; bool b = 3 }']
  expect(linesOf(unsafe({ allOf: [part('a'), { $ref: '#/$defs/B' }], $defs: { B: part('b') } }))).toEqual(lines)
  expect(linesOf(unsafe({ ...part('a'), allOf: [{ required: ['id'] }, part('b')] }))).toEqual(lines)
  const clash = [part('a'), { type: 'object', properties: { a: { type: 'string' } } }]
  expect(linesOf(field({ allOf: clash }))).toEqual(['GetResponse object { value a = 1 }'])
})

test('what protobuf has no type for is any JSON', () => {
  const any: readonly JsonSchema[] = [
    {},
    Null,
    { type: 'object' },
    { const: 1.5 },
    { enum: ['a', 1] },
    { const: { a: 1 } },
    { type: ['string', 'number'] },
    { type: ['string', 'number', 'null'] },
    { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    { type: 'array', prefixItems: [{ type: 'string' }], items: false },
    { type: 'array', items: [{ type: 'string' }] },
    { type: 'object', properties: { b: { type: 'string' } }, patternProperties: { '^x-': { type: 'string' } } },
    { type: 'object', properties: { b: { type: 'string' } }, anyOf: [{}] },
    { allOf: [{ type: 'string' }, { type: 'integer' }] },
    { if: {}, else: { type: 'string' } },
  ]
  for (const schema of any)
    expect([schema, linesOf(field(schema))]).toEqual([schema, ['GetResponse object { value a = 1 }']])
  expect(linesOf(z.object({ a: z.json() }))).toEqual(['GetResponse object { value a = 1 }'])
  expect(linesOf(z.object({ a: z.record(z.string(), z.any()), b: z.array(z.unknown()) }))).toEqual([
    'GetResponse object { map value a = 1; repeated value b = 2 }',
  ])
})

test('choices of whole numbers, and of one boolean, are numbers and booleans', () => {
  const line = (schema: JsonSchema) => linesOf(field(schema)).join()
  expect(line({ enum: [1, 2] })).toBe('GetResponse object { int32 a = 1 }')
  expect(line({ anyOf: [{ const: 1 }, { const: 2 ** 31 }] })).toBe('GetResponse object { int64 a = 1 }')
  expect(line({ anyOf: [{ const: 1 }, { enum: [-1, null] }] })).toBe('GetResponse object { int32 a = 1 or null }')
  expect(line({ const: 7 })).toBe('GetResponse object { int32 a = 1 }')
  // As it was before constants of numbers were looked at.
  expect(line({ const: 7, type: 'number' })).toBe('GetResponse object { double a = 1 }')
  expect(line({ const: true })).toBe('GetResponse object { bool a = 1 }')
})

test('an output that is no object is a message around it', () => {
  expect(linesOf(Type.String())).toEqual(['GetResponse single { string value = 1 }'])
  expect(linesOf(uint64())).toEqual(['GetResponse single { ubigint value = 1 }'])
  expect(linesOf(Type.Unknown())).toEqual(['GetResponse single { value value = 1 }'])
  expect(linesOf(Type.Array(int64()))).toEqual(['GetResponse list { repeated bigint items = 1 }'])
  expect(linesOf(Type.Record(Type.String(), Type.Boolean()))).toEqual(['GetResponse record { map bool entries = 1 }'])
  expect(linesOf(Type.Union([Type.Object({ a: Type.String() }), Type.Null()]))).toEqual([
    'GetResponse nullable oneof kind { null null_value = 1; GetResponse.Value value = 2 }',
    'GetResponse.Value object { string a = 1 }',
  ])
})

test('files import what they use of google.protobuf, and nothing else', () => {
  const imports = (output: Schema) => toFiles(serviceOf(output)).map(({ name, dependency }) => [name, ...dependency])
  const [struct, moment] = ['google/protobuf/struct.proto', 'google/protobuf/timestamp.proto']
  expect(imports(Type.Object({ a: Type.String() }))).toEqual([['demo/v1/demo.proto']])
  expect(imports(Type.Object({ a: Type.Unknown() }))).toEqual([['demo/v1/demo.proto', struct], [struct]])
  expect(imports(Type.Array(Type.Union([timestamp(), Type.Null()])))).toEqual([
    ['demo/v1/demo.proto', struct, moment],
    [struct],
    [moment],
  ])
})
