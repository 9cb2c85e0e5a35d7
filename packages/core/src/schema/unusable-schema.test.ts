import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import Type from 'typebox'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './native/bytes.ts'
import { contract } from '../contract/contract.ts'
import { int64 } from './native/int64.ts'
import { type Schema, toJsonSchema } from './schema.ts'

/** Each place that is at fault, with what it is there. */
function faultsOf(schema: unknown): readonly string[] {
  try {
    toJsonSchema(schema)
    return []
  } catch (error) {
    return error instanceof Error ? error.message.split('; /') : []
  }
}

const day = 'date is nothing that JSON has; use text with the format date-time'

describe('a schema without a JSON Schema', () => {
  it.each<readonly [library: string, schema: Schema, faults: readonly string[]]>([
    [
      'TypeBox',
      Type.Object({ a: Type.Array(Type.Object({ big: Type.BigInt(), no: Type.Undefined() })) }),
      [
        '/properties/a/items/properties/big cannot be used: bigint is nothing that JSON has; use int64() in a TypeBox schema',
        'properties/a/items/properties/no cannot be used: undefined is nothing that JSON has; make the field optional',
      ],
    ],
    [
      'Zod',
      z.object({ a: z.array(z.object({ when: z.date().optional(), big: z.bigint() })) }),
      [
        '/properties/a/items/properties/when cannot be used: ' + day,
        'properties/a/items/properties/big cannot be used: bigint is nothing that JSON has; use int64() in a TypeBox schema',
      ],
    ],
    [
      'ArkType',
      type({ a: { 'when?': 'Date', ok: 'string' } }),
      [`/properties/a/properties/when cannot be used: ${day}`],
    ],
    [
      'Valibot',
      toStandardJsonSchema(v.object({ a: v.nullable(v.object({ when: v.date() })) })),
      [`/properties/a/anyOf/0/properties/when cannot be used: ${day}`],
    ],
  ])('is refused with the place of every fault, for %s', (_library, schema, faults) => {
    expect(faultsOf(schema)).toEqual(faults)
  })

  it.each<readonly [what: string, schema: unknown]>([
    ['z.map', z.object({ x: z.map(z.string(), z.string()) })],
    ['z.set', z.object({ x: z.set(z.string()) })],
    ['z.undefined', z.object({ x: z.undefined() })],
    ['z.literal(1n)', z.object({ x: z.literal(1n) })],
    ['z.custom', z.object({ x: z.custom() })],
    ['z.instanceof', z.object({ x: z.instanceof(Uint8Array) })],
    ['z.symbol', z.object({ x: z.symbol() })],
    ['z.nan', z.object({ x: z.nan() })],
    ['z.coerce.date', z.object({ x: z.coerce.date() })],
    ['z.coerce.bigint', z.object({ x: z.coerce.bigint() })],
    ['bigint of ArkType', type({ x: 'bigint' })],
    ['Uint8Array of ArkType', type({ x: 'TypedArray.Uint8' })],
    ['undefined of ArkType', type({ x: 'string | undefined' })],
    ['v.bigint', toStandardJsonSchema(v.object({ x: v.bigint() }))],
    ['v.instance', toStandardJsonSchema(v.object({ x: v.instance(Uint8Array) }))],
    ['v.custom', toStandardJsonSchema(v.object({ x: v.custom(() => true) }))],
    ['Type.Literal(1n)', Type.Object({ x: Type.Literal(1n) })],
    ['Type.Symbol', Type.Object({ x: Type.Symbol() })],
    ['Type.Function', Type.Object({ x: Type.Function([], Type.String()) })],
    ['a default that is no JSON', Type.Object({ x: Type.Number({ default: Number.NaN }) })],
    ['a pattern that is none', Type.Object({ x: Type.String({ pattern: '(' }) })],
    ['a pattern of names that is none', Type.Object({ x: Type.Unsafe({ patternProperties: { '(': {} } }) })],
  ])('is refused at its place: %s', (_what, schema) => {
    expect(faultsOf(schema)[0]).toMatch(/^\/properties\/x(?:\/[^ ]+)? cannot be used: /)
  })

  it('names operation and place in the error of the contract', () => {
    expect(() => contract('shop.v1.S', { op: { input: z.object({ when: z.date() }), output: z.object({}) } })).toThrow(
      'operation shop.v1.S/op: input: /properties/when cannot be used: date is nothing that JSON has',
    )
  })

  it('says which package is missing', () => {
    expect(faultsOf(v.object({}))).toEqual([
      'it cannot be used: this valibot schema has no JSON Schema (~standard.jsonSchema); wrap it in toStandardJsonSchema() of @valibot/to-json-schema',
    ])
  })
})

describe('what TypeBox would pass over in silence', () => {
  it.each([
    ['Decode', Type.Decode(Type.String(), Number)],
    ['Encode', Type.Encode(Type.String(), String)],
    ['Codec', Type.Codec(Type.String()).Decode(Number).Encode(String)],
  ])('is refused: Type.%s', (_name, codec) => {
    expect(faultsOf(Type.Object({ x: Type.Optional(Type.Array(codec)) }))).toEqual([
      '/properties/x/items cannot be used: Type.Decode, Type.Encode and Type.Codec are not run: a schema describes the wire, transform in the handler',
    ])
  })
})

describe('what may stay', () => {
  it.each<readonly [what: string, schema: unknown]>([
    ['an output that is nothing', Type.Undefined()],
    ['an output that is nothing, otherwise', Type.Void()],
    ['fields named like keywords', Type.Object({ type: Type.String(), '~codec': Type.String(), const: Type.String() })],
    ['trees', Type.Cyclic({ N: Type.Object({ kids: Type.Array(Type.Ref('N')) }) }, 'N')],
    ['rules and transforms of Zod', z.object({ x: z.string().refine(Boolean).transform(Number), y: z.stringbool() })],
    [
      'rules and transforms of ArkType',
      type({ x: type('string').narrow(Boolean).pipe(Number), y: 'string.numeric.parse' }),
    ],
    [
      'rules and transforms of Valibot',
      toStandardJsonSchema(
        v.object({
          x: v.pipe(
            v.string(),
            v.check((text) => text !== ''),
            v.transform(Number),
          ),
        }),
      ),
    ],
    [
      'asynchronous rules of Valibot',
      toStandardJsonSchema(
        // @ts-expect-error The converter's types leave out what is asynchronous; it converts it.
        v.objectAsync({
          x: v.pipeAsync(
            v.string(),
            v.checkAsync(async () => true),
          ),
        }),
      ),
    ],
    ['anything', z.object({ x: z.unknown(), y: z.any(), z: z.record(z.string(), z.unknown()) })],
    ['int64() and bytes()', Type.Object({ x: int64({ default: 1n }), y: Type.Array(bytes()) })],
  ])('%s', (_what, schema) => {
    expect(faultsOf(schema)).toEqual([])
  })

  it('but not int64() and bytes() in the metadata of another library', () => {
    expect(faultsOf(z.object({ x: z.string().meta({ 'x-int64': {} }) }))).toEqual([
      '/properties/x cannot be used: int64(), bytes() and timestamp() are for TypeBox schemas',
    ])
  })
})
