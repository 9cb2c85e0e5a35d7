import { type } from 'arktype'
import Type from 'typebox'
import { Settings } from 'typebox/system'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from './schema.ts'
import { compileSchema, type SchemaResult } from './compiled-schema.ts'

function read(schema: Schema, value: unknown): SchemaResult {
  const result = compileSchema(schema).read(value)
  if (result instanceof Promise) throw new Error('expected a result at once')
  return result
}

function violations(schema: Schema, value: unknown) {
  const result = read(schema, value)
  return result.ok ? [] : result.violations
}

const field = (one: unknown) => ({ x: one })

/** Each input is wrong in the same way for a TypeBox and a Zod schema of the same meaning. */
const wrongInputs: readonly (readonly [
  name: string,
  typebox: Schema,
  zod: Schema,
  value: unknown,
  expected: readonly (readonly [field: string, message: string, rule: string])[],
])[] = [
  [
    'no object',
    Type.Object({ x: Type.String() }),
    z.object({ x: z.string() }),
    ['x'],
    [['', 'must be object', 'type']],
  ],
  [
    'missing fields',
    Type.Object({ x: Type.String(), y: Type.Integer() }),
    z.object({ x: z.string(), y: z.int() }),
    {},
    [
      ['/x', 'is required', 'required'],
      ['/y', 'is required', 'required'],
    ],
  ],
  [
    'a wrong type deep inside',
    Type.Object({ x: Type.Array(Type.Object({ y: Type.String() })) }),
    z.object({ x: z.array(z.object({ y: z.string() })) }),
    field([{ y: 'ok' }, { y: 1 }]),
    [['/x/1/y', 'must be string', 'type']],
  ],
  [
    'a field name with a slash and a tilde',
    Type.Object({ 'a/b~c': Type.String() }),
    z.object({ 'a/b~c': z.string() }),
    { 'a/b~c': 1 },
    [['/a~1b~0c', 'must be string', 'type']],
  ],
  [
    'text where a number belongs',
    Type.Object({ x: Type.Number() }),
    z.object({ x: z.number() }),
    field('1'),
    [['/x', 'must be number', 'type']],
  ],
  [
    'an infinite number',
    Type.Object({ x: Type.Number() }),
    z.object({ x: z.number() }),
    field(Number.POSITIVE_INFINITY),
    [['/x', 'must be number', 'type']],
  ],
  [
    'a fraction where an integer belongs',
    Type.Object({ x: Type.Integer() }),
    z.object({ x: z.int() }),
    field(1.5),
    [['/x', 'must be integer', 'type']],
  ],
  [
    'an integer that JSON cannot carry exactly',
    Type.Object({ x: Type.Integer() }),
    z.object({ x: z.int() }),
    field(2 ** 53),
    [['/x', 'must be <= 9007199254740991', 'maximum']],
  ],
  [
    'an unsafe integer that may be null',
    Type.Object({ x: Type.Union([Type.Integer(), Type.Null()]) }),
    z.object({ x: z.int().nullable() }),
    field(-(2 ** 53)),
    [['/x', 'must be >= -9007199254740991', 'minimum']],
  ],
  [
    'a number below its range',
    Type.Object({ x: Type.Integer({ minimum: 1, maximum: 9 }) }),
    z.object({ x: z.int().min(1).max(9) }),
    field(0),
    [['/x', 'must be >= 1', 'minimum']],
  ],
  [
    'text that is too short and too long',
    Type.Object({ x: Type.String({ minLength: 1 }), y: Type.String({ maxLength: 1 }) }),
    z.object({ x: z.string().min(1), y: z.string().max(1) }),
    { x: '', y: 'yy' },
    [
      ['/x', 'must not have fewer than 1 characters', 'minLength'],
      ['/y', 'must not have more than 1 characters', 'maxLength'],
    ],
  ],
  [
    'a pattern',
    Type.Object({ x: Type.String({ pattern: '^a' }) }),
    z.object({ x: z.string().regex(/^a/) }),
    field('b'),
    [['/x', 'must match pattern "^a"', 'pattern']],
  ],
  [
    'a pattern of a text that has a greatest length, in characters',
    Type.Object({ x: Type.String({ pattern: '^a', maxLength: 2 }) }),
    z.object({ x: z.string().regex(/^a/).max(2) }),
    field('b\u{1f600}'),
    [['/x', 'must match pattern "^a"', 'pattern']],
  ],
  [
    'a text that is too long to be tried',
    Type.Object({ x: Type.String({ pattern: '^a', maxLength: 2 }) }),
    z.object({ x: z.string().regex(/^a/).max(2) }),
    field('bbb'),
    [['/x', 'must not have more than 2 characters', 'maxLength']],
  ],
  [
    'a format, which one library also writes as a pattern',
    Type.Object({ x: Type.String({ format: 'email' }) }),
    z.object({ x: z.email() }),
    field('nobody'),
    [['/x', 'must match format "email"', 'format']],
  ],
  [
    'another constant',
    Type.Object({ x: Type.Literal('a') }),
    z.object({ x: z.literal('a') }),
    field(1),
    [['/x', 'must be "a"', 'const']],
  ],
  [
    'none of the choices',
    Type.Object({ x: Type.Union([Type.Literal('a'), Type.Literal('b')]) }),
    z.object({ x: z.enum(['a', 'b']) }),
    field('c'),
    [['/x', 'must be one of ["a","b"]', 'enum']],
  ],
  [
    'none of the choices, by another type',
    Type.Object({ x: Type.Enum(['a', 'b']) }),
    z.object({ x: z.union([z.literal('a'), z.literal('b')]) }),
    field(1),
    [['/x', 'must be one of ["a","b"]', 'enum']],
  ],
  [
    'none of the choices, of which null is one',
    Type.Object({ x: Type.Union([Type.Literal('a'), Type.Null()]) }),
    z.object({ x: z.literal('a').nullable() }),
    field('b'),
    [['/x', 'must be one of ["a",null]', 'enum']],
  ],
  [
    'another type than those allowed',
    Type.Object({ x: Type.Union([Type.String(), Type.Null()]) }),
    z.object({ x: z.string().nullable() }),
    field(1),
    [['/x', 'must be string or null', 'type']],
  ],
  [
    'the type that was meant of a union, but not its rule',
    Type.Object({ x: Type.Union([Type.String({ minLength: 1 }), Type.Null()]) }),
    z.object({ x: z.string().min(1).nullable() }),
    field(''),
    [['/x', 'must not have fewer than 1 characters', 'minLength']],
  ],
  [
    'the alternative that was meant, by its constant',
    Type.Object({
      x: Type.Union([
        Type.Object({ kind: Type.Literal('a'), n: Type.Integer() }),
        Type.Object({ kind: Type.Literal('b'), s: Type.String() }),
      ]),
    }),
    z.object({
      x: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('a'), n: z.int() }),
        z.object({ kind: z.literal('b'), s: z.string() }),
      ]),
    }),
    field({ kind: 'b' }),
    [['/x/s', 'is required', 'required']],
  ],
  [
    'no alternative at all',
    Type.Object({
      x: Type.Union([
        Type.Object({ kind: Type.Literal('a'), n: Type.Integer() }),
        Type.Object({ kind: Type.Literal('b'), s: Type.String() }),
      ]),
    }),
    z.object({
      x: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('a'), n: z.int() }),
        z.object({ kind: z.literal('b'), s: z.string() }),
      ]),
    }),
    field({ kind: 'c' }),
    [['/x', 'must have one of the allowed forms', 'anyOf']],
  ],
  [
    'a union inside the alternative that was meant',
    Type.Object({
      x: Type.Union([Type.Object({ y: Type.Union([Type.String(), Type.Integer()]) }), Type.Null()]),
    }),
    z.object({ x: z.object({ y: z.union([z.string(), z.int()]) }).nullable() }),
    field({ y: true }),
    [['/x/y', 'must be string or integer', 'type']],
  ],
  [
    'an item that a tuple has no place for',
    Type.Object({ x: Type.Tuple([Type.String(), Type.Integer()]) }),
    z.object({ x: z.tuple([z.string(), z.int()]) }),
    field(['a', 1, 2]),
    [['/x/2', 'is not allowed', 'boolean']],
  ],
  [
    'a field that a closed object does not declare',
    Type.Object({ x: Type.Object({ y: Type.String() }, { additionalProperties: false }) }),
    z.object({ x: z.strictObject({ y: z.string() }) }),
    field({ y: 'ok', 'z/z': 1 }),
    [['/x/z~1z', 'is not allowed', 'additionalProperties']],
  ],
  [
    'an entry of a record',
    Type.Object({ x: Type.Record(Type.String(), Type.Integer()) }),
    z.object({ x: z.record(z.string(), z.int()) }),
    field({ a: 1, b: 'x' }),
    [['/x/b', 'must be integer', 'type']],
  ],
  [
    'a place of a tuple',
    Type.Object({ x: Type.Tuple([Type.String(), Type.Integer()]) }),
    z.object({ x: z.tuple([z.string(), z.int()]) }),
    field(['a', 'b']),
    [['/x/1', 'must be integer', 'type']],
  ],
  [
    'the items of a list and its length',
    Type.Object({ x: Type.Array(Type.String(), { minItems: 1 }), y: Type.Array(Type.String(), { maxItems: 1 }) }),
    z.object({ x: z.array(z.string()).min(1), y: z.array(z.string()).max(1) }),
    { x: [], y: ['a', 'b'] },
    [
      ['/x', 'must not have fewer than 1 items', 'minItems'],
      ['/y', 'must not have more than 1 items', 'maxItems'],
    ],
  ],
  [
    'both parts of an intersection',
    Type.Object({ x: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })]) }),
    z.object({ x: z.intersection(z.object({ a: z.string() }), z.object({ b: z.string() })) }),
    field({ a: 1 }),
    [
      ['/x/a', 'must be string', 'type'],
      ['/x/b', 'is required', 'required'],
    ],
  ],
  [
    'a tree, deep inside',
    Type.Object({
      x: Type.Cyclic({ N: Type.Object({ v: Type.String(), kids: Type.Array(Type.Ref('N')) }) }, 'N'),
    }),
    z.object({ x: zodTree() }),
    field({ v: 'a', kids: [{ v: 'b', kids: [{ v: 1, kids: [] }] }] }),
    [['/x/kids/0/kids/0/v', 'must be string', 'type']],
  ],
]

function zodTree() {
  const node = z.object({
    v: z.string(),
    get kids() {
      return z.array(node)
    },
  })
  return node
}

describe('read', () => {
  it.each(wrongInputs)(
    'refuses %s with the same violations for TypeBox and Zod',
    (_name, typebox, zod, value, expected) => {
      const sorted = (schema: Schema) =>
        violations(schema, structuredClone(value)).toSorted((one, other) => one.field.localeCompare(other.field))
      const wanted = expected.map(([at, message, rule]) => ({ field: at, message, rule }))
      expect(sorted(typebox)).toEqual(wanted)
      expect(sorted(zod)).toEqual(wanted)
    },
  )

  it('strips, fills in defaults, then checks', () => {
    const typebox = Type.Object({ x: Type.Integer({ default: 1, minimum: 1 }), y: Type.Optional(Type.String()) })
    const zod = z.object({ x: z.int().min(1).default(1), y: z.string().optional() })
    for (const schema of [typebox, zod]) {
      expect(read(schema, { extra: true })).toEqual({ ok: true, value: { x: 1 } })
      expect(violations(schema, { x: 0 })).toHaveLength(1)
    }
  })

  it('reports 20 violations and no more', () => {
    const fields = Array.from({ length: 30 }, (_, index) => `f${index}`)
    const typebox = Type.Object(Object.fromEntries(fields.map((name) => [name, Type.String()])))
    const zod = z.object(Object.fromEntries(fields.map((name) => [name, z.string()])))
    const closed = Type.Object({}, { additionalProperties: false })
    const wrong = () => Object.fromEntries(fields.map((name) => [name, 1]))
    expect(violations(typebox, {})).toHaveLength(20)
    expect(violations(typebox, wrong())).toHaveLength(20)
    expect(violations(zod, wrong())).toHaveLength(20)
    expect(violations(closed, wrong())).toHaveLength(20)
    expect(violations(z.object({ x: z.array(z.string().refine(() => false)) }), field(fields))).toHaveLength(20)
  })

  it('says one thing of a union, however many alternatives it has', () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      Type.Object({ kind: Type.Literal(`k${index}`), x: Type.Object({ y: Type.Integer() }) }),
    )
    expect(violations(Type.Union(many), { kind: 'other' })).toEqual([
      { field: '', message: 'must have one of the allowed forms', rule: 'anyOf' },
    ])
    expect(violations(Type.Union(many), { kind: 'k7', x: { y: 'no' } })).toEqual([
      { field: '/x/y', message: 'must be integer', rule: 'type' },
    ])
  })

  it('still says something of a value that is wrong in more places than the validator lists', () => {
    const schema = Type.Object({ x: Type.Union([Type.Array(Type.String()), Type.Array(Type.Integer())]) })
    const wrong = field(Array.from({ length: 3_000 }, () => true))
    expect(violations(schema, wrong)).toEqual([
      { field: '', message: 'must have one of the allowed forms', rule: 'anyOf' },
    ])
  })

  it('tells apart too many fitting alternatives from none', () => {
    const schema = Type.Unsafe({ oneOf: [{ type: 'integer' }, { type: 'number' }] })
    expect(violations(schema, 1)).toEqual([
      { field: '', message: 'must have exactly one of the allowed forms', rule: 'oneOf' },
    ])
    expect(violations(schema, 'x')).toEqual([{ field: '', message: 'must be integer or number', rule: 'type' }])
  })

  it('says a thing once that two parts of a schema demand', () => {
    const schema = Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ a: Type.String() })])
    expect(violations(schema, {})).toHaveLength(1)
  })

  it('names the entries of a record whose name is not allowed', () => {
    const schema = z.object({ x: z.partialRecord(z.enum(['a', 'b']), z.int()) })
    expect(violations(schema, field({ a: 1, c: 2, d: 'x' }))).toEqual([
      { field: '/x/d', message: 'must be integer', rule: 'type' },
      { field: '/x/c', message: 'is not an allowed name', rule: 'propertyNames' },
      { field: '/x/d', message: 'is not an allowed name', rule: 'propertyNames' },
    ])
  })

  it("reports a library's own rules as custom, where they look", () => {
    const zod = z.object({ x: z.array(z.string().refine((text) => text !== 'bad', 'is bad')) })
    expect(violations(zod, field(['ok', 'bad']))).toEqual([{ field: '/x/1', message: 'is bad', rule: 'custom' }])
    const typebox = Type.Object({
      x: Type.Refine(
        Type.String(),
        (text) => text !== 'bad',
        () => 'is bad',
      ),
    })
    expect(violations(typebox, field('bad'))).toEqual([{ field: '/x', message: 'is bad', rule: 'custom' }])
    const whole = z.object({ a: z.int(), b: z.int() }).refine(({ a, b }) => a < b, 'a must be below b')
    expect(violations(whole, { a: 2, b: 1 })).toEqual([{ field: '', message: 'a must be below b', rule: 'custom' }])
  })

  it("runs a library's transforms once", () => {
    const schema = z.object({ x: z.string().transform((text) => text.length) })
    expect(read(schema, field('four'))).toEqual({ ok: true, value: { x: 4 } })
  })

  it('gives a promise only for an asynchronous validator', async () => {
    const schema = z.object({ x: z.string().refine(async (text) => text !== 'taken', 'is taken') })
    const compiled = compileSchema(schema)
    await expect(compiled.read(field('free'))).resolves.toEqual({ ok: true, value: { x: 'free' } })
    await expect(compiled.read(field('taken'))).resolves.toEqual({
      ok: false,
      violations: [{ field: '/x', message: 'is taken', rule: 'custom' }],
    })
    expect(compiled.read(field(1))).toMatchObject({ ok: false })
  })

  it('refuses a value that is nested more deeply than the stack', () => {
    const schema = Type.Cyclic({ N: Type.Object({ next: Type.Optional(Type.Ref('N')) }) }, 'N')
    let value = {}
    for (let depth = 0; depth < 200_000; depth += 1) value = { next: value }
    expect(violations(schema, value)).toEqual([{ field: '', message: 'is nested too deeply', rule: 'custom' }])
  })
})

describe('an error that is thrown', () => {
  const throwing = (error: Error) =>
    Type.Refine(Type.String(), () => {
      throw error
    })

  it('is not taken for deep nesting, unless the stack was used up', async () => {
    expect(() => read(throwing(new RangeError('Invalid array length')), 'x')).toThrow('Invalid array length')
    const library = z.string().refine(() => {
      throw new RangeError('toString() radix must be between 2 and 36')
    })
    await expect(compileSchema(library).read('x')).rejects.toThrow('radix')
  })

  it('is deep nesting where a library goes deeper than we do', async () => {
    const endless = (): boolean => endless() && true
    const tooDeep = { ok: false, violations: [{ field: '', message: 'is nested too deeply', rule: 'custom' }] }
    for (const schema of [z.string().refine(endless), type('string').narrow(endless)])
      expect(await compileSchema(schema).read('x')).toEqual(tooDeep)
  })
})

describe('write', () => {
  it("runs the library's own rules and drops what it makes of the value", async () => {
    const ran: string[] = []
    const schema = z
      .object({ from: z.int(), to: z.int(), unit: z.string().default('m') })
      .refine(({ from, to }) => from < to, { error: 'from must be below to', path: ['from'] })
      .transform(({ from, to }) => ran.push(`${from}-${to}`))
    const compiled = compileSchema(schema)
    expect(compiled.write({ from: 1, to: 2, extra: 3 })).toEqual({ ok: true, value: { from: 1, to: 2 } })
    expect(compiled.write({ from: 2, to: 1 })).toEqual({
      ok: false,
      violations: [{ field: '/from', message: 'from must be below to', rule: 'custom' }],
    })
    expect(compiled.strip({ from: 2, to: 1, extra: 3 })).toEqual({ from: 2, to: 1 })
  })

  it('gives a promise only for an asynchronous validator', async () => {
    const compiled = compileSchema(z.string().refine(async (text) => text !== 'taken', 'is taken'))
    await expect(compiled.write('free')).resolves.toEqual({ ok: true, value: 'free' })
    await expect(compiled.write('taken')).resolves.toMatchObject({ ok: false, violations: [{ rule: 'custom' }] })
    expect(compiled.write(1)).toMatchObject({ ok: false })
  })

  it('strips and checks, but neither fills in nor transforms', () => {
    const schema = z.object({ x: z.string().transform(Number), y: z.int().default(1) })
    const compiled = compileSchema(schema)
    expect(compiled.write({ x: '1', password: 'secret' })).toEqual({ ok: true, value: { x: '1' } })
    expect(compiled.write({ x: 1 })).toMatchObject({ ok: false, violations: [{ field: '/x', rule: 'type' }] })
  })

  it('leaves the value it is given as it is', () => {
    const value = Object.freeze({ x: Object.freeze({ y: '1', extra: 1 }) })
    const schema = Type.Object({ x: Type.Object({ y: Type.String() }) })
    expect(compileSchema(schema).write(value)).toEqual({ ok: true, value: { x: { y: '1' } } })
    expect(compileSchema(schema).strip(value)).toEqual({ x: { y: '1' } })
    expect(value.x).toHaveProperty('extra')
  })
})

describe('compileSchema', () => {
  it('leaves the schema and the settings of the validator as they are', () => {
    const schema = Object.freeze(Type.Object({ x: Object.freeze(Type.Integer()) }))
    const before = { schema: structuredClone(schema), maxErrors: Settings.Get().maxErrors }
    expect(violations(schema, field('no'))).toHaveLength(1)
    expect({ schema: structuredClone(schema), maxErrors: Settings.Get().maxErrors }).toEqual(before)
  })

  it('says which schema cannot be compiled, and why', () => {
    const schema = Type.Object({ x: Type.String({ pattern: '(' }) })
    expect(() => compileSchema(schema, { type: 'string', pattern: '(' }, 'operation a.A/get: input')).toThrow(
      'operation a.A/get: input cannot be used: Invalid regular expression: /(/u: Unterminated group [contract.schema]',
    )
  })

  it('takes fields and definitions that are named like keywords', () => {
    const schema = Type.Object({
      properties: Type.Integer(),
      anyOf: Type.Optional(Type.String()),
      const: Type.String(),
    })
    expect(read(schema, { properties: 1, const: 'x' })).toEqual({ ok: true, value: { properties: 1, const: 'x' } })
    expect(violations(schema, { properties: 2 ** 60, const: 'x' })).toHaveLength(1)
  })
})
