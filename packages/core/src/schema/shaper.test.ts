import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Schema, toJsonSchema } from './schema.ts'
import { compileShaper } from './shaper.ts'

const strip = (schema: Schema, value: unknown) => compileShaper(toJsonSchema(schema)).strip(value)
const fill = (schema: Schema, value: unknown) => compileShaper(toJsonSchema(schema)).fill(value)

const A = Type.Object({ a: Type.String() })
const B = Type.Object({ b: Type.String() })

describe('strip', () => {
  it('drops undeclared fields at every depth and keeps the rest', () => {
    const schema = Type.Object({ name: Type.String(), items: Type.Array(A), inner: Type.Object({ deep: A }) })
    const given = {
      name: 'x',
      extra: 1,
      items: [{ a: '1', extra: 1 }, { a: '2' }],
      inner: { deep: { a: '3', extra: 1 } },
    }
    expect(strip(schema, given)).toEqual({ name: 'x', items: [{ a: '1' }, { a: '2' }], inner: { deep: { a: '3' } } })
    expect(given.items[0]).toEqual({ a: '1', extra: 1 })
  })

  it('gives the same object where nothing was dropped', () => {
    const schema = Type.Object({ items: Type.Array(A), tags: Type.Record(Type.String(), A) })
    const given = { items: [{ a: '1' }], tags: { one: { a: '1' } } }
    expect(strip(schema, given)).toBe(given)
  })

  it('drops fields whose value is undefined', () => {
    expect(strip(Type.Object({ a: Type.Optional(Type.String()) }), { a: undefined })).toStrictEqual({})
    expect(strip(Type.Record(Type.String(), Type.String()), { a: undefined, b: '1' })).toStrictEqual({ b: '1' })
  })

  it('leaves a value of another type to the check', () => {
    expect(strip(A, ['a'])).toEqual(['a'])
    expect(strip(A, null)).toBeNull()
    expect(strip(Type.Array(A), { a: 1, b: 1 })).toEqual({ a: 1, b: 1 })
  })

  it('drops nothing from a closed object, which refuses what it does not declare', () => {
    const closed = { a: '1', inner: { a: '2', extra: 1 }, extra: 1 }
    const schema = Type.Object({ a: Type.String(), inner: A }, { additionalProperties: false })
    expect(strip(schema, closed)).toEqual({ a: '1', inner: { a: '2' }, extra: 1 })
    expect(strip(z.strictObject({ a: z.string() }), { a: '1', extra: 1 })).toEqual({ a: '1', extra: 1 })
    expect(strip(Type.Intersect([A, B], { unevaluatedProperties: false }), { a: '1', b: '2', c: 3 })).toEqual({
      a: '1',
      b: '2',
      c: 3,
    })
  })

  it('keeps everything in an object that is open', () => {
    expect(strip(z.looseObject({ a: z.string() }), { a: '1', extra: { x: 1 } })).toEqual({ a: '1', extra: { x: 1 } })
  })

  it('keeps the entries of a record and strips their inside', () => {
    const given = { one: { a: '1', extra: 1 }, two: { a: '2' } }
    const expected = { one: { a: '1' }, two: { a: '2' } }
    expect(strip(Type.Record(Type.String(), A), given)).toEqual(expected)
    expect(strip(z.record(z.string(), z.object({ a: z.string() })), given)).toEqual(expected)
    expect(strip(z.object({ b: z.string() }).catchall(z.object({ a: z.string() })), { b: '1', ...given })).toEqual({
      b: '1',
      ...expected,
    })
  })

  it('keeps only the entries of a record that one of its patterns names, each with its own schema', () => {
    const schema = Type.Unsafe({
      type: 'object',
      properties: { id: { type: 'string' } },
      patternProperties: { '^a_': A, '^b_': B },
    })
    const given = { id: '1', a_1: { a: '1', b: '1' }, b_1: { a: '1', b: '1' }, other: 1 }
    expect(strip(schema, given)).toEqual({ id: '1', a_1: { a: '1' }, b_1: { b: '1' } })
  })

  it.each([
    ['a record', Type.Record(Type.String(), Type.Integer())],
    ['an object', A],
    ['an open object', Type.Object({ a: Type.String() }, { additionalProperties: true })],
    ['a closed object', Type.Object({ a: Type.String() }, { additionalProperties: false })],
  ])('takes no entry of %s for a prototype', (_name, schema) => {
    const stripped = strip(schema, JSON.parse('{"a":"1","__proto__":{"isAdmin":true}}'))
    expect(Object.keys(stripped as object)).toEqual(['a'])
    expect(Reflect.get(stripped as object, 'isAdmin')).toBeUndefined()
  })

  it('strips the places of a tuple and what follows them', () => {
    const given = [{ a: '1', extra: 1 }, 'x', { b: '2', extra: 1 }]
    expect(strip(Type.Tuple([A, Type.String()]), given.slice(0, 2))).toEqual([{ a: '1' }, 'x'])
    expect(strip(z.tuple([z.object({ a: z.string() }), z.string()]).rest(z.object({ b: z.string() })), given)).toEqual([
      { a: '1' },
      'x',
      { b: '2' },
    ])
  })

  it('keeps what any part of an intersection declares', () => {
    const given = { a: '1', b: '2', x: { a: '3', b: '4', c: 5 }, extra: 1 }
    const left = Type.Object({ a: Type.String(), x: A })
    const right = Type.Object({ b: Type.String(), x: B })
    expect(strip(Type.Intersect([left, right]), given)).toEqual({ a: '1', b: '2', x: { a: '3', b: '4' } })
    const withUnion = Type.Intersect([A, Type.Union([B, Type.Object({ c: Type.Integer() })])])
    expect(strip(withUnion, { a: '1', c: 2, extra: 1 })).toEqual({ a: '1', c: 2 })
  })

  it('keeps what only the alternative that is meant declares, when a constant tells them apart', () => {
    const schema = Type.Union([
      Type.Object({ kind: Type.Literal('card'), number: Type.String() }),
      Type.Object({ kind: Type.Literal('bank'), iban: Type.String() }),
      Type.Null(),
    ])
    expect(strip(schema, { kind: 'card', number: '1', iban: '2' })).toEqual({ kind: 'card', number: '1' })
    expect(strip(schema, { kind: 'bank', number: '1', iban: '2' })).toEqual({ kind: 'bank', iban: '2' })
    expect(strip(schema, { kind: 'cash', note: 1 })).toEqual({ kind: 'cash', note: 1 })
    expect(strip(schema, null)).toBeNull()
  })

  it('keeps what any alternative declares, when nothing tells them apart', () => {
    const deep = (inner: Schema) => Type.Object({ x: inner as typeof A })
    expect(strip(Type.Union([A, B]), { b: '1', extra: 1 })).toEqual({ b: '1' })
    expect(strip(Type.Union([deep(A), deep(B)]), { x: { b: '1', extra: 1 } })).toEqual({ x: { b: '1' } })
    expect(strip(Type.Union([Type.Array(A), Type.Array(B)]), [{ b: '1', extra: 1 }])).toEqual([{ b: '1' }])
    expect(strip(Type.Union([Type.Intersect([A, B]), Type.Object({ c: Type.String() })]), { a: '1', b: '2' })).toEqual({
      a: '1',
      b: '2',
    })
  })

  it('drops nothing where an alternative allows everything', () => {
    const given = { a: '1', extra: { x: 1 } }
    expect(strip(Type.Union([A, Type.Unknown()]), given)).toEqual(given)
    expect(strip(Type.Union([A, Type.Record(Type.String(), Type.Unknown())]), given)).toEqual(given)
    expect(strip(Type.Union([Type.Array(A), Type.Array(Type.Unknown())]), [given])).toEqual([given])
    expect(strip(Type.Unknown(), given)).toBe(given)
  })

  it('strips fields beside alternatives', () => {
    const schema = Type.Unsafe({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    })
    expect(strip(schema, { a: '1', extra: 1 })).toEqual({ a: '1' })
  })

  it('follows references, also those that lead back', () => {
    const tree = Type.Cyclic({ Node: Type.Object({ v: Type.String(), kids: Type.Array(Type.Ref('Node')) }) }, 'Node')
    const zodTree = z.object({
      v: z.string(),
      get kids() {
        return z.array(zodTree)
      },
    })
    const given = { v: '1', extra: 1, kids: [{ v: '2', extra: 1, kids: [{ v: '3', kids: [], extra: 1 }] }] }
    const expected = { v: '1', kids: [{ v: '2', kids: [{ v: '3', kids: [] }] }] }
    expect(strip(tree, given)).toEqual(expected)
    expect(strip(zodTree, given)).toEqual(expected)
    expect(strip(Type.Object({ tree }), { tree: given, extra: 1 })).toEqual({ tree: expected })
  })

  it('follows references among alternatives that lead to one another', () => {
    const schema = Type.Cyclic(
      {
        Leaf: Type.Object({ value: Type.String() }),
        Pair: Type.Object({ left: Type.Ref('Tree'), right: Type.Ref('Tree') }),
        Tree: Type.Union([Type.Ref('Leaf'), Type.Ref('Pair')]),
      },
      'Tree',
    )
    const given = { left: { value: '1', extra: 1 }, right: { left: { value: '2' }, right: { value: '3', extra: 1 } } }
    expect(strip(schema, given)).toEqual({
      left: { value: '1' },
      right: { left: { value: '2' }, right: { value: '3' } },
    })
  })

  it('treats references that go round in a circle, or nowhere, as anything', () => {
    const circle = Type.Unsafe({ $defs: { a: { $ref: 'b' }, b: { $ref: 'a' } }, $ref: 'a' })
    expect(strip(circle, { x: 1 })).toEqual({ x: 1 })
    expect(strip(Type.Unsafe({ $ref: '#/$defs/none' }), { x: 1 })).toEqual({ x: 1 })
    expect(strip(Type.Unsafe({ $ref: '#/$defs/a~1b', $defs: { 'a/b': A } }), { a: '1', x: 1 })).toEqual({ a: '1' })
  })

  it('never drops what a value needs to fit its schema', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>({ type: 'string' }, { type: 'null' }, {}),
        tie('schema').map((items) => ({ type: 'array', items })),
        fc
          .dictionary(name, tie('schema'), { maxKeys: 3 })
          .map((properties) => ({ type: 'object', properties, required: Object.keys(properties) })),
        tie('schema').map((additionalProperties) => ({ type: 'object', additionalProperties })),
        fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf) => ({ anyOf })),
        fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
      ),
    }))
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>('text', null, 1),
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
      ),
    }))
    fc.assert(
      fc.property(schema, value, (json, given) => {
        const shaper = compileShaper(json as Record<string, unknown>)
        const stripped = shaper.strip(given)
        if (fits(json, given)) expect(fits(json, stripped)).toBe(true)
        expect(shaper.strip(stripped)).toEqual(stripped)
      }),
      { numRuns: 2_000 },
    )
  })
})

/** The part of JSON Schema that the property uses, written in the plainest way. */
function fits(schema: unknown, value: unknown): boolean {
  const { type, items, properties, required, additionalProperties, anyOf, allOf } = schema as Record<string, never>
  const record = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  const hasType = {
    string: typeof value === 'string',
    null: value === null,
    array: Array.isArray(value),
    object: !!record,
  }
  if (type !== undefined && !hasType[type]) return false
  if (anyOf && !(anyOf as unknown[]).some((one) => fits(one, value))) return false
  if (allOf && !(allOf as unknown[]).every((one) => fits(one, value))) return false
  if (items && !(value as unknown[]).every((one) => fits(items, one))) return false
  if (required && !(required as string[]).every((name) => Object.hasOwn(record ?? {}, name))) return false
  return Object.entries(record ?? {}).every(([name, one]) =>
    fits((properties as object | undefined)?.[name as never] ?? additionalProperties ?? {}, one),
  )
}

describe('fill', () => {
  it('fills in defaults at every depth, each time a new copy', () => {
    const schema = Type.Object({
      size: Type.Integer({ default: 20 }),
      tags: Type.Array(Type.String(), { default: ['x'] }),
      inner: Type.Object({ on: Type.Boolean({ default: true }) }, { default: {} }),
      list: Type.Optional(Type.Array(Type.Object({ n: Type.Integer({ default: 1 }) }))),
    })
    const first = fill(schema, {}) as { tags: string[] }
    expect(first).toEqual({ size: 20, tags: ['x'], inner: { on: true } })
    first.tags.push('y')
    expect(fill(schema, { list: [{}, { n: 2 }] })).toEqual({
      size: 20,
      tags: ['x'],
      inner: { on: true },
      list: [{ n: 1 }, { n: 2 }],
    })
  })

  it('leaves what is there, null and false too', () => {
    const schema = Type.Object({ a: Type.Union([Type.Null(), Type.Boolean()], { default: true }) })
    expect(fill(schema, { a: null })).toEqual({ a: null })
    expect(fill(schema, { a: false })).toEqual({ a: false })
    expect(fill(schema, 'text')).toBe('text')
  })

  it('fills in the parts of an intersection, the entries of a record and the places of a tuple', () => {
    const D = Type.Object({ d: Type.Integer({ default: 1 }) })
    expect(fill(Type.Intersect([A, D]), { a: '1' })).toEqual({ a: '1', d: 1 })
    expect(fill(Type.Record(Type.String(), D), { x: {} })).toEqual({ x: { d: 1 } })
    expect(fill(z.record(z.string(), z.object({ d: z.int().default(1) })), { x: {} })).toEqual({ x: { d: 1 } })
    expect(fill(Type.Tuple([Type.String(), D]), ['x', {}])).toEqual(['x', { d: 1 }])
  })

  it('fills in only the alternative that is meant', () => {
    const schema = Type.Union([
      Type.Object({ kind: Type.Literal('a'), x: Type.Integer({ default: 1 }) }),
      Type.Object({ kind: Type.Literal('b'), y: Type.Integer({ default: 2 }) }),
    ])
    expect(fill(schema, { kind: 'b' })).toEqual({ kind: 'b', y: 2 })
    expect(fill(schema, {})).toEqual({})
    expect(fill(Type.Intersect([A, schema]), { a: '1', kind: 'a' })).toEqual({ a: '1', kind: 'a', x: 1 })
    expect(fill(Type.Union([Type.Object({ x: Type.Integer({ default: 1 }) }), B]), { b: '1' })).toEqual({ b: '1' })
  })

  it('follows references', () => {
    const schema = Type.Cyclic(
      { Node: Type.Object({ n: Type.Integer({ default: 7 }), next: Type.Optional(Type.Ref('Node')) }) },
      'Node',
    )
    expect(fill(schema, { next: { next: {} } })).toEqual({ n: 7, next: { n: 7, next: { n: 7 } } })
  })
})
