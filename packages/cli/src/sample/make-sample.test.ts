import { bytes, contract, int64, type JsonSchema, timestamp } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { compileSchema } from '@tenon/core/transport'
import { describe, expect, it } from 'vitest'
import { makeSample, SampleError } from './make-sample.ts'

const fitting = {
  'texts of formats': Type.Object({
    id: Type.String({ format: 'uuid' }),
    email: Type.String({ format: 'email' }),
    at: Type.String({ format: 'date-time' }),
    day: Type.String({ format: 'date' }),
    link: Type.String({ format: 'uri' }),
  }),
  'texts of lengths and patterns': Type.Object({
    short: Type.String({ maxLength: 2 }),
    long: Type.String({ minLength: 300 }),
    upper: Type.String({ pattern: '^[A-Z]+$' }),
    digits: Type.String({ pattern: '^\\d+$', minLength: 3 }),
    visible: Type.String({ pattern: '\\S', maxLength: 5 }),
  }),
  'numbers in their ranges': Type.Object({
    least: Type.Integer({ minimum: 7 }),
    most: Type.Integer({ maximum: -3 }),
    above: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
    step: Type.Integer({ multipleOf: 25, minimum: 30 }),
  }),
  'lists, choices and constants': Type.Object({
    list: Type.Array(Type.Object({ name: Type.String() }), { minItems: 2 }),
    choice: Type.Union([Type.Object({ kind: Type.Literal('a'), a: Type.Integer() }), Type.Null()]),
    state: Type.Enum(['open', 'closed']),
    pair: Type.Tuple([Type.Boolean(), Type.String()]),
    left: Type.Optional(Type.String()),
  }),
  'what refers to itself': Type.Object({
    tree: Type.Cyclic({ Tree: Type.Object({ label: Type.String(), children: Type.Array(Type.Ref('Tree')) }) }, 'Tree'),
  }),
  'native types': Type.Object({ count: int64(), data: bytes(), at: timestamp() }),
}

describe('makeSample', () => {
  it.each(Object.entries(fitting))('makes what fits: %s', async (_name, schema) => {
    const { op } = contract('test.v1.Samples', { op: { input: schema as never, output: Type.Object({}) } })
    const sample = makeSample(op.inputJsonSchema)
    const result = await compileSchema(schema as never, op.inputJsonSchema).read(structuredClone(sample))
    expect(result, JSON.stringify(sample)).toMatchObject({ ok: true })
  })

  it('makes another text each time, so that what must be unique is', () => {
    const schema = fitting['texts of formats'] as unknown as JsonSchema
    expect(makeSample(schema)).not.toEqual(makeSample(schema))
  })

  it.each([
    ['/code', Type.Object({ code: Type.String({ pattern: '^never-guessed-\\d{7}$' }) })],
    ['/none', Type.Object({ none: Type.Integer({ minimum: 2, maximum: 1 }) })],
  ])('names the field of which it knows no value: %s', (field, schema) => {
    expect(() => makeSample(schema as unknown as JsonSchema)).toThrow(SampleError)
    expect(() => makeSample(schema as unknown as JsonSchema)).toThrow(field)
  })
})
