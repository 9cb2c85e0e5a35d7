import Type, { type TSchema } from 'typebox'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { bytes } from '../native/bytes.ts'
import { int64 } from '../native/int64.ts'
import type { JsonSchema } from '../schema.ts'
import { secret } from '../secret.ts'
import { SchemaBook } from './schema-book.ts'

const zodSchema = (schema: z.ZodType): JsonSchema => schema['~standard'].jsonSchema.input({ target: 'draft-2020-12' })
const written = (schema: TSchema | JsonSchema) => new SchemaBook().add(schema as JsonSchema, 'Hint')

const safe = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }

test('an integer has the range that JSON carries exactly, where it has no narrower one', () => {
  expect(written(Type.Integer())).toEqual({ type: 'integer', ...safe })
  expect(written(Type.Integer({ minimum: 1, maximum: 1e30 }))).toEqual({ type: 'integer', ...safe, minimum: 1 })
  const open = { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 9 }
  expect(written(Type.Integer({ exclusiveMinimum: 0, exclusiveMaximum: 9 }))).toEqual(open)
  expect(written(Type.Number())).toEqual({ type: 'number' })
})

test('a schema without a name stands where it is used, without what is for others', () => {
  const schema = Type.Object({
    name: Type.Optional(Type.Refine(Type.String(), () => true)),
    tag: Type.Enum(['a', 'b']),
  })
  const expected = {
    type: 'object',
    required: ['tag'],
    properties: { name: { type: 'string' }, tag: { enum: ['a', 'b'] } },
  }
  expect(written(schema)).toEqual(expected)
  expect(Object.keys(written(zodSchema(z.object({}))))).not.toContain('$schema')
})

describe('a component', () => {
  test('is a schema with an $id, and a composed one with a title, wherever it stands', () => {
    const book = new SchemaBook()
    const City = Type.Object({ name: Type.String() }, { $id: 'https://example.com/schema/city' })
    const User = Type.Object({ city: City, age: Type.Integer({ title: 'Age' }) }, { title: 'a user' })
    expect(book.add(Type.Array(User) as unknown as JsonSchema, 'Hint')).toEqual({
      type: 'array',
      items: { $ref: '#/components/schemas/AUser' },
    })
    expect(book.components).toEqual({
      AUser: {
        type: 'object',
        title: 'a user',
        required: ['city', 'age'],
        properties: { city: { $ref: '#/components/schemas/city' }, age: { type: 'integer', title: 'Age', ...safe } },
      },
      city: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
    })
    expect(Object.keys(book.components)).toEqual(['AUser', 'city'])
  })

  test('is written once for the same schema, and apart for another of its name', () => {
    const book = new SchemaBook()
    const named = (type: TSchema) => Type.Object({ value: type }, { title: 'Value' }) as unknown as JsonSchema
    const refs = [named(Type.String()), named(Type.String()), named(Type.Integer()), named(Type.Integer())].map(
      (schema) => book.add(schema, 'Hint')['$ref'],
    )
    const [first, second] = ['#/components/schemas/Value', '#/components/schemas/Value2']
    expect(refs).toEqual([first, first, second, second])
  })

  test('may refer to itself: by name, by pointer, and as the whole', () => {
    const Node = Type.Object({ next: Type.Optional(Type.Ref('Node')) })
    const List = z.object({
      get next() {
        return List.optional()
      },
    })
    const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
    for (const [schema, name] of [
      [Type.Cyclic({ Node }, 'Node') as unknown as JsonSchema, 'Node'],
      [zodSchema(z.object({ list: List })), 'HintPart'],
      [zodSchema(List), 'Hint'],
    ] as const) {
      const book = new SchemaBook()
      book.add(schema, 'Hint')
      expect(book.components[name]).toMatchObject({ type: 'object', properties: { next: ref(name) } })
      expect(JSON.stringify(book)).not.toContain('$defs')
    }
  })

  test.each([
    ['_User', '_User'],
    ['2fa', '2fa'],
    ['Übung', 'bung'],
    ['用户', 'HintPart'],
    // Made up by Zod and by Valibot, which say nothing in a document of many schemas.
    ['__schema0', 'HintPart'],
    ['0', 'HintPart'],
  ])('is called by its definition, as far as a component may be called so: %s, %s', (definition, name) => {
    const book = new SchemaBook()
    const $defs = { [definition]: { type: 'string' } }
    book.add(
      { type: 'object', properties: { one: { $ref: `#/$defs/${encodeURIComponent(definition)}` } }, $defs },
      'Hint',
    )
    expect(Object.keys(book.components)).toEqual([name])
  })

  test('is the same for two schemas that share it among other definitions', () => {
    const book = new SchemaBook()
    const City = z.object({ name: z.string() }).meta({ id: 'City' })
    book.add(zodSchema(z.object({ city: City })), 'One')
    book.add(zodSchema(z.object({ city: City, other: z.object({ a: City }).meta({ id: 'Other' }) })), 'Two')
    expect(Object.keys(book.components)).toEqual(['City', 'Other'])
  })
})

test('int64() is text with its range in words, bytes() is base64, and neither shows a keyword of ours', () => {
  const schema = Type.Object({ id: int64({ minimum: 1n, description: 'Id.' }), data: bytes({ maxLength: 3 }) })
  expect(written(schema)['properties']).toEqual({
    id: {
      type: 'string',
      format: 'int64',
      pattern: '^(?:0|-?[1-9][0-9]{0,18})$',
      description: 'Id. A whole number from 1 to 9223372036854775807, as text.',
    },
    data: { type: 'string', format: 'byte', contentEncoding: 'base64', maxLength: 4 },
  })
})

test('a secret is a password to whoever shows a form, and may still be told by a reply', () => {
  expect(written(secret(Type.String()))).toEqual({ type: 'string', 'x-secret': true, format: 'password' })
  expect(written(secret(Type.String({ format: 'uuid' })))).toMatchObject({ format: 'uuid' })
})

test('a tuple is written as draft 2020-12 has it', () => {
  expect(written(Type.Tuple([Type.String(), Type.Integer()]))).toEqual({
    type: 'array',
    items: { not: {} },
    prefixItems: [{ type: 'string' }, { type: 'integer', ...safe }],
    minItems: 2,
  })
})

test('data is never taken for a schema', () => {
  const value = { $ref: 'x', title: 'A', type: 'object' }
  expect(written({ type: 'object', default: value, examples: [value], const: value, enum: [value] })).toEqual({
    type: 'object',
    default: value,
    examples: [value],
    const: value,
    enum: [value],
  })
  const fields = { title: { type: 'string' }, $defs: { type: 'string' }, $id: { type: 'object' } }
  expect(written({ type: 'object', properties: fields })['properties']).toEqual(fields)
})
