import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { findBadDefaults } from './bad-default.ts'
import { bytes } from './native/bytes.ts'
import { compileSchema } from './compiled-schema.ts'
import { int64 } from './native/int64.ts'
import { type JsonSchema, type Schema, toJsonSchema } from './schema.ts'
import { secret } from './secret.ts'
import { unsafeSchema } from './native/unsafe-schema.ts'

const { hardenings, documents } = vi.hoisted(() => ({
  hardenings: vi.fn<() => void>(),
  documents: vi.fn<() => void>(),
}))

vi.mock(import('./rule/harden-schema.ts'), async (original) => {
  const { hardenSchema } = await original()
  return { hardenSchema: (...given) => (hardenings(), hardenSchema(...given)) }
})

vi.mock(import('./schema-view.ts'), async (original) => {
  const real = await original()
  class SchemaDocument extends real.SchemaDocument {
    constructor(root: JsonSchema) {
      documents()
      super(root)
    }
  }
  return { ...real, SchemaDocument }
})

/** Each default that does not fit, with its place. */
function faultsOf(schema: unknown): readonly string[] {
  try {
    toJsonSchema(schema)
    return []
  } catch (error) {
    return error instanceof Error ? error.message.split('; ') : []
  }
}

const day = { format: 'date-time' } as const
const Tree = (initial: unknown) =>
  Type.Cyclic({ Node: Type.Object({ kids: Type.Array(Type.Ref('Node'), { default: initial }) }) }, 'Node')

const long = Type.String({ minLength: 3 })
const tooShort = 'cannot be used: its default must not have fewer than 3 characters'
const definitions = {
  Anchored: { $anchor: 'word', type: 'string', minLength: 3 },
  Named: { $id: 'Word', type: 'string', minLength: 3 },
  Letter: { type: 'string', default: 'a' },
  Secret: secret(Type.Union([Type.Literal('hunter2'), Type.Literal('letmein')])),
}

describe('a default that does not fit its own schema', () => {
  it.each<readonly [what: string, schema: unknown, faults: readonly string[]]>([
    ['of another type', Type.Integer({ default: 'x' }), ['/properties/x cannot be used: its default must be integer']],
    [
      'out of range',
      Type.Integer({ minimum: 1, default: 0 }),
      ['/properties/x cannot be used: its default must be >= 1'],
    ],
    [
      'not carried exactly by JSON',
      Type.Integer({ default: 2 ** 53 }),
      [`/properties/x cannot be used: its default must be <= ${2 ** 53 - 1}`],
    ],
    [
      'of another format',
      Type.String({ ...day, default: '2026-01-01T00:00:00Z[Europe/Berlin]' }),
      ['/properties/x cannot be used: its default must match format "date-time"'],
    ],
    [
      'none of a choice',
      Type.Union([Type.Literal('red'), Type.Literal('green')], { default: 'blue' }),
      ['/properties/x cannot be used: its default must be one of ["red","green"]'],
    ],
    [
      'of a secret, of which the message shows nothing',
      secret(Type.Union([Type.Literal('hunter2'), Type.Literal('letmein')], { default: 'blue' })),
      ['/properties/x cannot be used: its default is not valid'],
    ],
    [
      'in the items of a list',
      Type.Array(Type.Boolean({ default: 1 })),
      ['/properties/x/items cannot be used: its default must be boolean'],
    ],
    [
      'in one form of a union',
      Type.Union([Type.String(), Type.Object({ y: Type.Integer({ default: 1.5 }) })]),
      ['/properties/x/anyOf/1/properties/y cannot be used: its default must be integer'],
    ],
    [
      'wrong at one place inside',
      Type.Object({ a: Type.Integer(), b: Type.String() }, { default: { a: 'x' } }),
      [
        '/properties/x cannot be used: its default at /b is required',
        '/properties/x cannot be used: its default at /a must be integer',
      ],
    ],
    [
      'with a field that a closed object forbids',
      Type.Object({}, { additionalProperties: false, default: { y: 1 } }),
      ['/properties/x cannot be used: its default at /y is not allowed'],
    ],
    [
      'of a rule of Type.Refine',
      Type.Refine(Type.String({ default: 'a' }), (text) => text.length > 1),
      [expect.stringMatching(/^\/properties\/x cannot be used: its default /)],
    ],
    [
      'of int64() in an object',
      Type.Object({ id: int64({ maximum: 5n }) }, { default: { id: '6' } }),
      ['/properties/x cannot be used: its default at /id must be <= 5'],
    ],
    [
      'below a reference by name',
      Tree([{ kids: [] }, { kids: 1 }]),
      ['/properties/x/$defs/Node/properties/kids cannot be used: its default at /1/kids must be array'],
    ],
    [
      'that fills itself for ever',
      Tree([{}]),
      ['/properties/x/$defs/Node/properties/kids cannot be used: its default is nested without end'],
    ],
    [
      'beside a reference by pointer',
      unsafeSchema({ $ref: '#/properties/y', default: 'x' }),
      ['/properties/x cannot be used: its default must be integer'],
    ],
    [
      'beside a reference to an anchor',
      unsafeSchema({ $ref: '#word', default: 'a' }),
      ['/properties/x cannot be used: its default must not have fewer than 3 characters'],
    ],
    [
      'beside a reference to an $id',
      unsafeSchema({ $ref: 'Word', default: 'a' }),
      ['/properties/x cannot be used: its default must not have fewer than 3 characters'],
    ],
    [
      'by a rule in another part of an intersection',
      Type.Intersect([Type.Object({ a: Type.String({ default: 'a' }) }), Type.Object({ a: long })]),
      [`/properties/x/allOf/0/properties/a ${tooShort}, as another schema of the same field says`],
    ],
    [
      'by a rule in another part, deeper inside',
      Type.Intersect([
        Type.Object({ o: Type.Object({ a: Type.String({ default: 'a' }) }) }),
        Type.Object({ o: Type.Object({ a: long }) }),
      ]),
      [`/properties/x/allOf/0/properties/o/properties/a ${tooShort}, as another schema of the same field says`],
    ],
    [
      'by a rule beside a reference to where it stands',
      unsafeSchema({ $ref: '#/$defs/Letter', minLength: 3 }),
      [`/$defs/Letter ${tooShort}, as another schema of the same field says`],
    ],
    [
      'of a secret that is referred to',
      Type.Object({}, { properties: { y: { $ref: '#/$defs/Secret', default: 'blue' } } }),
      ['/properties/x/properties/y cannot be used: its default is not valid'],
    ],
  ])('is refused at its place: %s', (_what, schema, faults) => {
    const root = Type.Object({ x: schema as ReturnType<typeof Type.Any>, y: Type.Integer() }, { $defs: definitions })
    expect(faultsOf(root)).toEqual(faults)
  })

  it('is found among the definitions, however they are reached', () => {
    const node = z.object({
      size: z.number().meta({ default: 'big' }),
      get kids() {
        return z.array(node).optional()
      },
    })
    expect(faultsOf(z.object({ one: node, other: node }))).toEqual([
      '/$defs/__schema0/properties/size cannot be used: its default must be number',
    ])
  })

  it.each<readonly [library: string, schema: Schema]>([
    // Zod does not look at its own defaults. ArkType does, and refuses them first.
    ['Zod', z.object({ x: z.string().min(2).default('5') })],
    ['Valibot', toStandardJsonSchema(v.object({ x: v.optional(v.pipe(v.string(), v.minLength(2)), '5') }))],
  ])('is refused for %s', (_library, schema) => {
    expect(faultsOf(schema)).toEqual([
      '/properties/x cannot be used: its default must not have fewer than 2 characters',
    ])
  })

  it('is refused for what Zod joins with and()', () => {
    const both = z.object({ x: z.string().default('a') }).and(z.object({ x: z.string().min(3) }))
    expect(faultsOf(both)).toEqual([`/properties/x/allOf/0 ${tooShort}, as another schema of the same field says`])
  })

  it('names operation and place in the error of the contract, and all that are wrong at once', () => {
    const wrong = Type.Object({ id: Type.String(), size: Type.Integer({ default: 'x' }) })
    expect(() => contract('shop.v1.S', { op: { input: wrong, output: wrong } })).toThrow(
      /operation shop\.v1\.S\/op: input: \/properties\/size cannot be used: its default must be integer[^]*operation shop\.v1\.S\/op: output: \/properties\/size cannot/,
    )
    expect(() => event('shop.placed.v1', { key: 'id', payload: wrong })).toThrow(
      'event shop.placed.v1: payload: /properties/size cannot be used: its default must be integer [contract.schema]',
    )
  })
})

describe('the search for defaults that do not fit', () => {
  it.each([5, 50])('copies each part of a schema once, and the references once, for %i defaults', (count) => {
    const names = Array.from({ length: count }, (_, index) => `S${index}`)
    const refer = (name: string) => unsafeSchema<string>({ $ref: `#/$defs/${name}`, default: 'abc' })
    const fields = Object.fromEntries(names.map((name) => [name, refer(name)]))
    const root = Type.Object(fields, { $defs: Object.fromEntries(names.map((name) => [name, long])) })
    hardenings.mockClear()
    documents.mockClear()
    expect(findBadDefaults(root as unknown as JsonSchema)).toEqual([])
    expect(hardenings).toHaveBeenCalledTimes(1)
    expect(documents).toHaveBeenCalledTimes(1)
  })
})

describe('a default that fits', () => {
  const Size = Type.Object({ width: Type.Integer({ default: 1 }), unit: Type.String() })

  it.each<readonly [what: string, schema: Schema, filled: unknown]>([
    [
      'by the defaults inside of it',
      Type.Object({ x: Type.Object({ ...Size.properties }, { default: { unit: 'm' } }) }),
      { x: { width: 1, unit: 'm' } },
    ],
    [
      'of int64() and bytes()',
      Type.Object({ x: int64({ default: 7n }), y: bytes({ default: Uint8Array.of(1) }) }),
      { x: 7n, y: Uint8Array.of(1) },
    ],
    [
      'of int64() in an object',
      Type.Object({ x: Type.Object({ id: int64() }, { default: { id: '6' } }) }),
      { x: { id: 6n } },
    ],
    ['of a tree', Type.Object({ x: Tree([]) }), undefined],
    [
      'beside a reference to an anchor',
      Type.Object(
        { x: unsafeSchema<object>({ $ref: '#point', default: { at: 'abc' } }) },
        { $defs: { Point: { $anchor: 'point', ...Type.Object({ at: long }) } } },
      ),
      { x: { at: 'abc' } },
    ],
    [
      'beside a reference to an $id',
      Type.Object({ x: unsafeSchema<string>({ $ref: 'Word', default: 'abc' }) }, { $defs: definitions }),
      { x: 'abc' },
    ],
    [
      'by the rules of both parts of an intersection',
      Type.Intersect([Type.Object({ x: Type.String({ default: 'abc' }) }), Type.Object({ x: long })]),
      { x: 'abc' },
    ],
    [
      'where no item is ever left out',
      Type.Object(
        { x: Type.Array(unsafeSchema<string>({ $ref: '#/$defs/Letter', minLength: 3 }), { default: ['abc'] }) },
        { $defs: { Letter: definitions.Letter } },
      ),
      { x: ['abc'] },
    ],
    ['that is null', Type.Object({ x: Type.Union([Type.String(), Type.Null()], { default: null }) }), { x: null }],
    ['of Zod, after its transform', z.object({ x: z.string().transform(Number).default(5) }), { x: 5 }],
    ['of Zod, before its transform', z.object({ x: z.string().prefault('5').transform(Number) }), { x: 5 }],
    [
      'of Zod, by the defaults inside of it',
      z.object({ x: z.object({ y: z.int().default(1) }).prefault({}) }),
      { x: { y: 1 } },
    ],
    ['of ArkType', type({ x: 'number = 5' }), { x: 5 }],
    [
      'of Valibot',
      toStandardJsonSchema(
        v.object({ x: v.optional(v.pipe(v.string(), v.uuid()), '5b1f3d0e-8b7a-4f43-9a55-0d2b2f2f4a10') }),
      ),
      { x: '5b1f3d0e-8b7a-4f43-9a55-0d2b2f2f4a10' },
    ],
    [
      'of a recursive schema, beside the root itself',
      z.object({
        get x() {
          return recursive.prefault({ y: 1, x: { y: 2 } as never }).optional()
        },
        y: z.int().optional(),
      }),
      undefined,
    ],
  ])('is taken: %s', (_what, schema, filled) => {
    expect(faultsOf(schema)).toEqual([])
    if (filled !== undefined) expect(compileSchema(schema).read({})).toEqual({ ok: true, value: filled })
  })
})

const recursive: z.ZodType = z.object({
  get x() {
    return recursive.optional()
  },
  y: z.int(),
})
