import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './native/bytes.ts'
import { int64 } from './native/int64.ts'
import type { Schema } from './schema.ts'
import { secret } from './secret.ts'
import { compileSchema } from './compiled-schema.ts'

declare global {
  interface ArkEnv {
    /** What ArkType lets a schema say of itself. */
    meta(): { readonly 'x-secret'?: boolean }
  }
}

async function violations(schema: Schema, value: unknown) {
  const result = await compileSchema(schema).read(value)
  return result.ok ? [] : result.violations.map(({ field, message, rule }) => [field, message, rule])
}

const marked = { 'x-secret': true }
const never = (text: string) => `"${text}" is wrong`

/** A secret text of at least 8 letters with a rule that quotes it, in every library. */
const libraries: readonly (readonly [library: string, schema: Schema])[] = [
  [
    'TypeBox',
    Type.Object({
      password: secret(Type.Refine(Type.String({ minLength: 8 }), (text) => text === 'rightright', never)),
    }),
  ],
  [
    'Zod',
    z.object({
      password: z
        .string()
        .min(8)
        .meta(marked)
        .refine((text) => text === 'rightright', { error: ({ input }) => never(String(input)) })
        .meta(marked),
    }),
  ],
  [
    'ArkType',
    type({
      password: type('string >= 8')
        .narrow((text, context) => text === 'rightright' || context.mustBe('right'))
        .configure(marked),
    }),
  ],
  [
    'Valibot',
    toStandardJsonSchema(
      v.object({
        password: v.pipe(
          v.string(),
          v.minLength(8),
          v.metadata(marked),
          v.check(
            (text) => text === 'rightright',
            ({ input }) => never(input),
          ),
        ),
      }),
    ),
  ],
]

describe.each(libraries)('a secret field of %s', (_library, schema) => {
  it('keeps the words that come from the schema', async () => {
    expect(await violations(schema, { password: 'short' })).toEqual([
      ['/password', 'must not have fewer than 8 characters', 'minLength'],
    ])
    expect(await violations(schema, { password: 12345678 })).toEqual([['/password', 'must be string', 'type']])
    expect(await violations(schema, {})).toEqual([['/password', 'is required', 'required']])
  })

  it('does not show what a rule of its own says', async () => {
    expect(await violations(schema, { password: 'hunter22' })).toEqual([['/password', 'is not valid', 'custom']])
    expect(await violations(schema, { password: 'rightright' })).toEqual([])
  })
})

describe('a secret', () => {
  it('is no choice that a message lists', async () => {
    const schema = Type.Object({ pin: secret(Type.Literal('1234')), kind: secret(Type.Enum(['a', 'b'])) })
    expect(await violations(schema, { pin: '1', kind: 'c' })).toEqual([
      ['/pin', 'is not valid', 'const'],
      ['/kind', 'is not valid', 'enum'],
    ])
  })

  it('has no inside: what is wrong there is wrong with the whole', async () => {
    const card = Type.Object({ number: Type.String({ pattern: '^\\d+$' }), owner: Type.String() })
    const schema = Type.Object({
      card: secret(card),
      keys: secret(Type.Record(Type.String(), Type.String())),
      list: Type.Array(secret(Type.Object({ a: Type.String() }, { additionalProperties: false }))),
    })
    const value = { card: { number: 'x' }, keys: { 'token-abc': 1 }, list: [{ a: '1' }, { a: '1', 'key-xyz': 1 }] }
    expect(await violations(schema, value)).toEqual([
      ['/card', 'is not valid', 'required'],
      ['/card', 'is not valid', 'pattern'],
      ['/keys', 'is not valid', 'type'],
      ['/list/1', 'is not valid', 'additionalProperties'],
    ])
  })

  it('may be any part of a schema', async () => {
    const Login = Type.Object({ kind: Type.Literal('login'), code: secret(Type.String({ maxLength: 1 })) })
    const Tree = Type.Cyclic({ N: Type.Object({ pin: secret(Type.Integer()), kids: Type.Array(Type.Ref('N')) }) }, 'N')
    const schema = Type.Object({
      either: Type.Union([Login, Type.Object({ kind: Type.Literal('none') })]),
      both: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: secret(Type.Literal('x')) })]),
      pair: Type.Tuple([Type.String(), secret(Type.Literal('y'))]),
      tree: Tree,
      optional: Type.Optional(secret(bytes({ maxLength: 1 }))),
      big: secret(int64({ maximum: 5n })),
    })
    const value = {
      either: { kind: 'login', code: 'long' },
      both: { a: '1', b: '2' },
      pair: ['1', '2'],
      tree: { pin: 1, kids: [{ pin: '1234', kids: [] }] },
      optional: 'AQID',
      big: '6',
    }
    expect(await violations(schema, value)).toEqual([
      ['/either/code', 'must not have more than 1 characters', 'maxLength'],
      ['/both/b', 'is not valid', 'const'],
      ['/pair/1', 'is not valid', 'const'],
      ['/tree/kids/0/pin', 'must be integer', 'type'],
      ['/optional', 'must not have more than 1 bytes', 'maxLength'],
      ['/big', 'must be <= 5', 'maximum'],
    ])
  })

  it('is not shown by a rule that looks at it from outside', async () => {
    const quoting = z
      .object({ name: z.string(), login: z.object({ password: z.string().meta(marked) }) })
      .check((context) => {
        const { login } = context.value
        context.issues.push({ code: 'custom', input: login, path: ['name'], message: `not ${JSON.stringify(login)}` })
        context.issues.push({ code: 'custom', input: login, path: [], message: 'name and password do not fit' })
      })
    for (const password of ['hunter22', 'with "quotes" and \\', 'z'])
      expect(await violations(quoting, { name: 'ada', login: { password } })).toEqual([
        ['/name', 'is not valid', 'custom'],
        ['', 'name and password do not fit', 'custom'],
      ])
  })

  it('changes nothing else of a schema', async () => {
    const schema = Type.Object({ x: Type.Optional(secret(Type.Integer({ default: 5 }))) })
    expect(await compileSchema(schema).read({})).toEqual({ ok: true, value: { x: 5 } })
    expect(Type.IsOptional(secret(Type.Optional(Type.String())))).toBe(true)
    expect(Type.IsString(secret(Type.String()))).toBe(true)
  })
})

describe('no message', () => {
  it.each<readonly [rule: string, schema: Schema, value: unknown]>([
    ['type', Type.Object({ x: Type.Integer() }), { x: 'marker' }],
    ['const', Type.Object({ x: Type.Literal('a') }), { x: 'marker' }],
    ['enum', Type.Object({ x: Type.Enum(['a', 'b']) }), { x: 'marker' }],
    ['anyOf', Type.Object({ x: Type.Union([Type.Literal('a'), Type.Object({})]) }), { x: 'marker' }],
    ['pattern', Type.Object({ x: Type.String({ pattern: '^a$' }) }), { x: 'marker' }],
    ['format', Type.Object({ x: Type.String({ format: 'uuid' }) }), { x: 'marker' }],
    ['maxLength', Type.Object({ x: Type.String({ maxLength: 1 }) }), { x: 'marker' }],
    ['minimum', Type.Object({ x: Type.Integer({ minimum: 5 }) }), { x: -1234567 }],
    ['multipleOf', Type.Object({ x: Type.Integer({ multipleOf: 2 }) }), { x: -1234567 }],
    ['maxItems', Type.Object({ x: Type.Array(Type.String(), { maxItems: 1 }) }), { x: ['marker', 'marker'] }],
    ['uniqueItems', Type.Object({ x: Type.Array(Type.String(), { uniqueItems: true }) }), { x: ['marker', 'marker'] }],
    ['contains', Type.Object({ x: Type.Unsafe({ type: 'array', contains: { const: 1 } }) }), { x: ['marker'] }],
    ['not', Type.Object({ x: Type.Unsafe({ not: { type: 'string' } }) }), { x: 'marker' }],
    ['int64', Type.Object({ x: int64() }), { x: 'marker' }],
    ['bytes', Type.Object({ x: bytes() }), { x: 'marker*' }],
  ])('of %s quotes a value', async (_rule, schema, value) => {
    const found = await violations(schema, value)
    expect(found).toHaveLength(1)
    expect(JSON.stringify(found)).not.toMatch(/marker|1234567/)
  })
})
