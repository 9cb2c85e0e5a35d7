import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Schema } from './schema.ts'
import { compileSchema } from './compiled-schema.ts'

/** One schema in every library. */
interface Row {
  readonly what: string
  readonly typebox: Schema
  readonly zod: Schema
  readonly arktype: Schema
  readonly valibot: Schema
  /** What goes in, and what comes out: a value, or the places and rules that are broken. */
  readonly cases: readonly (readonly [given: unknown, expected: { value: unknown } | { broken: readonly string[] }])[]
}

const valibot = (entries: v.ObjectEntries): Schema => toStandardJsonSchema(v.object(entries))
const x = (value: unknown) => ({ x: value })
const ok = (value: unknown) => ({ value })
const broken = (...rules: string[]) => ({ broken: rules })

const rows: readonly Row[] = [
  {
    what: 'a default in an object that may be null',
    typebox: Type.Object({ x: Type.Union([Type.Object({ n: Type.Integer({ default: 3 }) }), Type.Null()]) }),
    zod: z.object({ x: z.object({ n: z.int().default(3) }).nullable() }),
    arktype: type({ x: type({ n: 'number.integer = 3' }).or('null') }),
    valibot: valibot({ x: v.nullable(v.object({ n: v.optional(v.pipe(v.number(), v.integer()), 3) })) }),
    cases: [
      [x({}), ok(x({ n: 3 }))],
      [x({ n: 4 }), ok(x({ n: 4 }))],
      [x(null), ok(x(null))],
      [x({ n: 'a' }), broken('/x/n type')],
    ],
  },
  {
    what: 'a default in the items of a list that may be null',
    typebox: Type.Object({
      x: Type.Union([Type.Null(), Type.Array(Type.Object({ n: Type.Integer({ default: 3 }) }))]),
    }),
    zod: z.object({ x: z.array(z.object({ n: z.int().default(3) })).nullable() }),
    arktype: type({ x: type({ n: 'number.integer = 3' }).array().or('null') }),
    valibot: valibot({ x: v.nullable(v.array(v.object({ n: v.optional(v.pipe(v.number(), v.integer()), 3) }))) }),
    cases: [
      [x([{}, { n: 4 }]), ok(x([{ n: 3 }, { n: 4 }]))],
      [x(null), ok(x(null))],
    ],
  },
  {
    what: 'text with a length',
    typebox: Type.Object({ x: Type.String({ minLength: 2, maxLength: 3 }) }),
    zod: z.object({ x: z.string().min(2).max(3) }),
    arktype: type({ x: '2 <= string <= 3' }),
    valibot: valibot({ x: v.pipe(v.string(), v.minLength(2), v.maxLength(3)) }),
    cases: [
      [x('ab'), ok(x('ab'))],
      [x('a'), broken('/x minLength')],
      [x('abcd'), broken('/x maxLength')],
      [x(12), broken('/x type')],
      [x(null), broken('/x type')],
      [{}, broken('/x required')],
      [[], broken(' type')],
      [null, broken(' type')],
      ['x', broken(' type')],
    ],
  },
  {
    what: 'a number in a range',
    typebox: Type.Object({ x: Type.Number({ minimum: 0, maximum: 1 }) }),
    zod: z.object({ x: z.number().min(0).max(1) }),
    arktype: type({ x: '0 <= number <= 1' }),
    valibot: valibot({ x: v.pipe(v.number(), v.minValue(0), v.maxValue(1)) }),
    cases: [
      [x(0.5), ok(x(0.5))],
      [x(-0.5), broken('/x minimum')],
      [x(1.5), broken('/x maximum')],
      [x('0.5'), broken('/x type')],
      [x(Number.NaN), broken('/x type')],
      [x(Number.POSITIVE_INFINITY), broken('/x type')],
    ],
  },
  {
    what: 'an integer, which is a safe one',
    typebox: Type.Object({ x: Type.Integer() }),
    zod: z.object({ x: z.int() }),
    arktype: type({ x: 'number.integer' }),
    valibot: valibot({ x: v.pipe(v.number(), v.integer()) }),
    cases: [
      [x(2 ** 53 - 1), ok(x(2 ** 53 - 1))],
      [x(-(2 ** 53 - 1)), ok(x(-(2 ** 53 - 1)))],
      [x(2 ** 53), broken('/x maximum')],
      [x(-(2 ** 53)), broken('/x minimum')],
      [JSON.parse('{"x":9007199254740993}'), broken('/x maximum')],
      [JSON.parse('{"x":1e400}'), broken('/x type')],
      [JSON.parse('{"x":-1e400}'), broken('/x type')],
      [JSON.parse('{"x":1e20}'), broken('/x maximum')],
      [x(1.5), broken('/x type')],
      [x('1'), broken('/x type')],
      [x(true), broken('/x type')],
      [x(1n), broken('/x type')],
    ],
  },
  {
    what: 'a boolean',
    typebox: Type.Object({ x: Type.Boolean() }),
    zod: z.object({ x: z.boolean() }),
    arktype: type({ x: 'boolean' }),
    valibot: valibot({ x: v.boolean() }),
    cases: [
      [x(false), ok(x(false))],
      [x('true'), { broken: ['/x type'] }],
      [x(1), { broken: ['/x type'] }],
    ],
  },
  {
    what: 'a choice of texts',
    typebox: Type.Object({ x: Type.Union([Type.Literal('a'), Type.Literal('b')]) }),
    zod: z.object({ x: z.enum(['a', 'b']) }),
    arktype: type({ x: "'a' | 'b'" }),
    valibot: valibot({ x: v.picklist(['a', 'b']) }),
    cases: [
      [x('b'), ok(x('b'))],
      [x('c'), broken('/x enum')],
      [x(1), broken('/x enum')],
      [x(null), broken('/x enum')],
    ],
  },
  {
    what: 'text or null',
    typebox: Type.Object({ x: Type.Union([Type.String(), Type.Null()]) }),
    zod: z.object({ x: z.string().nullable() }),
    arktype: type({ x: 'string | null' }),
    valibot: valibot({ x: v.nullable(v.string()) }),
    cases: [
      [x(null), ok(x(null))],
      [x('null'), ok(x('null'))],
      [x(1), broken('/x type')],
      [{}, broken('/x required')],
    ],
  },
  {
    what: 'an optional field',
    typebox: Type.Object({ x: Type.Optional(Type.String()) }),
    zod: z.object({ x: z.string().optional() }),
    arktype: type({ 'x?': 'string' }),
    valibot: valibot({ x: v.optional(v.string()) }),
    cases: [
      [{}, ok({})],
      [x(undefined), ok({})],
      [x(null), broken('/x type')],
    ],
  },
  {
    what: 'a default',
    typebox: Type.Object({ x: Type.Integer({ default: 5 }), y: Type.Array(Type.String(), { default: [] }) }),
    zod: z.object({ x: z.int().default(5), y: z.array(z.string()).default([]) }),
    arktype: type({ x: 'number.integer = 5', y: type('string[]').default(() => []) }),
    valibot: valibot({ x: v.optional(v.pipe(v.number(), v.integer()), 5), y: v.optional(v.array(v.string()), []) }),
    cases: [
      [{}, ok({ x: 5, y: [] })],
      [{ x: 6, y: ['a'] }, ok({ x: 6, y: ['a'] })],
      [{ x: null }, broken('/x type')],
    ],
  },
  {
    what: 'a list',
    typebox: Type.Object({ x: Type.Array(Type.Integer(), { minItems: 1, maxItems: 2 }) }),
    zod: z.object({ x: z.array(z.int()).min(1).max(2) }),
    arktype: type({ x: '1 <= number.integer[] <= 2' }),
    valibot: valibot({ x: v.pipe(v.array(v.pipe(v.number(), v.integer())), v.minLength(1), v.maxLength(2)) }),
    cases: [
      [x([1]), ok(x([1]))],
      [x([]), broken('/x minItems')],
      [x([1, 2, 3]), broken('/x maxItems')],
      [x([1, 'b']), broken('/x/1 type')],
      [x({ 0: 1 }), broken('/x type')],
      [x('1'), broken('/x type')],
    ],
  },
  {
    what: 'an object in an object, where undeclared fields are dropped',
    typebox: Type.Object({ x: Type.Object({ y: Type.String() }) }),
    zod: z.object({ x: z.object({ y: z.string() }) }),
    arktype: type({ x: { y: 'string' } }),
    valibot: valibot({ x: v.object({ y: v.string() }) }),
    cases: [
      [{ x: { y: 'ok', extra: 1 }, extra: { deep: true } }, ok(x({ y: 'ok' }))],
      [x({ y: 1, extra: 1 }), broken('/x/y type')],
      [JSON.parse('{"x":{"y":"ok","__proto__":{"isAdmin":true}},"__proto__":{"y":1}}'), ok(x({ y: 'ok' }))],
      [JSON.parse('{"x":{"y":"ok","constructor":{"prototype":{"isAdmin":true}}}}'), ok(x({ y: 'ok' }))],
      [x({ y: 'ok', toString: 1, hasOwnProperty: 2 }), ok(x({ y: 'ok' }))],
    ],
  },
  {
    what: 'a closed object',
    typebox: Type.Object({ x: Type.Object({ y: Type.String() }, { additionalProperties: false }) }),
    zod: z.object({ x: z.strictObject({ y: z.string() }) }),
    arktype: type({ x: { '+': 'reject', y: 'string' } }),
    valibot: valibot({ x: v.strictObject({ y: v.string() }) }),
    cases: [
      [x({ y: 'ok' }), ok(x({ y: 'ok' }))],
      [x({ y: 'ok', a: 1, b: 2 }), broken('/x/a additionalProperties', '/x/b additionalProperties')],
    ],
  },
  {
    what: 'a record',
    typebox: Type.Object({ x: Type.Record(Type.String(), Type.Integer()) }),
    zod: z.object({ x: z.record(z.string(), z.int()) }),
    arktype: type({ x: { '[string]': 'number.integer' } }),
    valibot: valibot({ x: v.record(v.string(), v.pipe(v.number(), v.integer())) }),
    cases: [
      [x({ a: 1, '': 2 }), ok(x({ a: 1, '': 2 }))],
      [x({ a: 1, b: 'x' }), broken('/x/b type')],
      [x({ 'line\nbreak': 1, '\u2028': 2 }), ok(x({ 'line\nbreak': 1, '\u2028': 2 }))],
      [x({ 'line\nbreak': 'x' }), broken('/x/line\nbreak type')],
      [JSON.parse('{"x":{"a":1,"__proto__":2}}'), ok(x({ a: 1 }))],
      [x([1]), broken('/x type')],
    ],
  },
  {
    what: 'alternatives told apart by a constant',
    typebox: Type.Object({
      x: Type.Union([
        Type.Object({ kind: Type.Literal('a'), n: Type.Integer() }),
        Type.Object({ kind: Type.Literal('b'), s: Type.String() }),
      ]),
    }),
    zod: z.object({
      x: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('a'), n: z.int() }),
        z.object({ kind: z.literal('b'), s: z.string() }),
      ]),
    }),
    arktype: type({ x: type({ kind: "'a'", n: 'number.integer' }).or({ kind: "'b'", s: 'string' }) }),
    valibot: valibot({
      x: v.variant('kind', [
        v.object({ kind: v.literal('a'), n: v.pipe(v.number(), v.integer()) }),
        v.object({ kind: v.literal('b'), s: v.string() }),
      ]),
    }),
    cases: [
      [x({ kind: 'b', s: 'x', n: 1 }), ok(x({ kind: 'b', s: 'x' }))],
      [x({ kind: 'b', n: 1 }), broken('/x/s required')],
      [x({ kind: 'c' }), broken('/x anyOf')],
      [x('a'), broken('/x type')],
    ],
  },
  {
    what: 'several places at once',
    typebox: Type.Object({ x: Type.String(), y: Type.Object({ z: Type.Integer({ minimum: 1 }) }) }),
    zod: z.object({ x: z.string(), y: z.object({ z: z.int().min(1) }) }),
    arktype: type({ x: 'string', y: { z: 'number.integer >= 1' } }),
    valibot: valibot({ x: v.string(), y: v.object({ z: v.pipe(v.number(), v.integer(), v.minValue(1)) }) }),
    cases: [[{ x: 1, y: { z: 0 } }, broken('/x type', '/y/z minimum')]],
  },
  {
    what: "a rule of the library's own",
    typebox: Type.Object({
      x: Type.Refine(
        Type.String(),
        (text) => text !== 'bad',
        () => 'is bad',
      ),
    }),
    zod: z.object({ x: z.string().refine((text) => text !== 'bad', 'is bad') }),
    arktype: type({ x: type('string').narrow((text, context) => text !== 'bad' || context.mustBe('good')) }),
    valibot: valibot({
      x: v.pipe(
        v.string(),
        v.check((text) => text !== 'bad', 'is bad'),
      ),
    }),
    cases: [
      [x('good'), ok(x('good'))],
      [x('bad'), broken('/x custom')],
      [x(1), broken('/x type')],
    ],
  },
]

async function outcomeOf(schema: Schema, given: unknown): Promise<{ value: unknown } | { broken: readonly string[] }> {
  const result = await compileSchema(schema).read(structuredClone(given))
  if (result.ok) return { value: result.value }
  return { broken: result.violations.map(({ field, rule }) => `${field} ${rule}`).toSorted() }
}

describe.each(rows)('$what', ({ typebox, zod, arktype, valibot: fromValibot, cases }) => {
  it.each(Object.entries({ TypeBox: typebox, Zod: zod, ArkType: arktype, Valibot: fromValibot }))(
    'is the same by %s',
    async (_library, schema) => {
      for (const [given, expected] of cases) expect([given, await outcomeOf(schema, given)]).toEqual([given, expected])
    },
  )
})

it('has no case in which a prototype was changed', () => {
  expect(Reflect.get({}, 'isAdmin')).toBeUndefined()
})

/** Transforms are run for the reader, rules that take time are waited for. */
describe.each<readonly [library: string, transforming: Schema, waiting: Schema]>([
  [
    'Zod',
    z.object({ x: z.string().transform((text) => text.length) }),
    z.object({ x: z.string().refine(async (text) => text !== 'taken', 'is taken') }),
  ],
  [
    'Valibot',
    valibot({
      x: v.pipe(
        v.string(),
        v.transform((text) => text.length),
      ),
    }),
    toStandardJsonSchema(
      // @ts-expect-error The converter's types leave out what is asynchronous; it converts it.
      v.objectAsync({
        x: v.pipeAsync(
          v.string(),
          v.checkAsync(async (text) => text !== 'taken', 'is taken'),
        ),
      }),
    ),
  ],
  ['ArkType', type({ x: type('string').pipe((text) => text.length) }), type({ x: 'string & /^(?!taken$)/' })],
])('what %s does itself', (library, transforming, waiting) => {
  it('transforms at the reader, and only there', async () => {
    const schema = compileSchema(transforming)
    expect(await schema.read(x('four'))).toEqual({ ok: true, value: x(4) })
    expect(await schema.write(x('four'))).toEqual({ ok: true, value: x('four') })
  })

  it('is waited for, by readers and by writers', async () => {
    const schema = compileSchema(waiting)
    const isAsync = library !== 'ArkType'
    expect(schema.read(x('free')) instanceof Promise).toBe(isAsync)
    expect(schema.write(x('free')) instanceof Promise).toBe(isAsync)
    for (const side of ['read', 'write'] as const) {
      expect(await schema[side](x('free'))).toEqual({ ok: true, value: x('free') })
      expect(await schema[side](x('taken'))).toMatchObject({ ok: false, violations: [{ field: '/x' }] })
    }
    expect(schema.read(x(1))).toMatchObject({ ok: false, violations: [{ field: '/x', rule: 'type' }] })
  })
})

describe('z.coerce', () => {
  const schema = z.object({ number: z.coerce.number(), flag: z.coerce.boolean(), text: z.coerce.string() })

  it('coerces nothing: the wire has one type, and a body is read strictly', async () => {
    const value = { number: 1, flag: false, text: 'x' }
    expect(await outcomeOf(schema, value)).toEqual({ value })
    expect(await outcomeOf(schema, { number: '1', flag: 'false', text: 1 })).toEqual({
      broken: ['/flag type', '/number type', '/text type'],
    })
  })
})
