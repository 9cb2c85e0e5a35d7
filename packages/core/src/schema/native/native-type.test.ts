import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { bytes } from './bytes.ts'
import { int64, uint64 } from './int64.ts'
import { type Schema, toJsonSchema } from '../schema.ts'
import { compileSchema, type SchemaResult } from '../compiled-schema.ts'
import { compileJsonWriter } from './json-conversion.ts'

const largest = 2n ** 63n - 1n
const smallest = -(2n ** 63n)

function atOnce(result: SchemaResult | Promise<SchemaResult>): SchemaResult {
  if (result instanceof Promise) throw new Error('expected a result at once')
  return result
}

function read(schema: Schema, value: unknown): unknown {
  const result = atOnce(compileSchema(schema).read(value))
  return result.ok ? result.value : result.violations.map(({ field, rule, message }) => `${field} ${rule}: ${message}`)
}

function write(schema: Schema, value: unknown): unknown {
  const result = atOnce(compileSchema(schema).write(value))
  return result.ok ? result.value : result.violations.map(({ field, rule, message }) => `${field} ${rule}: ${message}`)
}

/** What a reader behind a JSON wire finds of what a writer wrote. */
function throughJson(schema: Schema, value: unknown): unknown {
  const text = compileJsonWriter(toJsonSchema(schema))(write(schema, value))
  return read(schema, JSON.parse(text))
}

describe('uint64()', () => {
  const schema = Type.Object({ n: uint64() })

  it.each([0n, 2n ** 63n, 2n ** 64n - 1n])('carries %s through JSON and as it is', (n) => {
    expect(throughJson(schema, { n })).toEqual({ n })
    expect(read(schema, { n })).toEqual({ n })
  })

  it.each(['-1', '01', '1'.repeat(21), 1])('refuses %j', (n) => {
    expect(read(schema, { n })).toEqual(['/n type: must be uint64'])
  })

  it.each([-1n, 2n ** 64n])('refuses %s, which has no place in 64 bits', (n) => {
    expect(read(schema, { n })).toEqual([expect.stringMatching(/^\/n (?:minimum|maximum): must be [<>]= \d+$/)])
  })

  it('has limits and a default of its own', () => {
    expect(read(Type.Object({ n: uint64({ default: 2n ** 64n - 1n }) }), {})).toEqual({ n: 2n ** 64n - 1n })
    expect(() => uint64({ minimum: -1n })).toThrow(
      /uint64\(\): minimum must be a bigint from 0 to 18446744073709551615/,
    )
  })
})

describe('int64()', () => {
  const schema = Type.Object({ n: int64() })

  it.each([0n, 1n, -1n, 2n ** 53n, largest, smallest])('carries %s through JSON and as it is', (n) => {
    expect(throughJson(schema, { n })).toEqual({ n })
    expect(read(schema, { n })).toEqual({ n })
  })

  it('is decimal text in JSON', () => {
    expect(compileJsonWriter(toJsonSchema(schema))({ n: smallest })).toBe('{"n":"-9223372036854775808"}')
  })

  it.each([
    ['a number', 5],
    ['a fraction', '1.5'],
    ['a plus', '+1'],
    ['a leading zero', '01'],
    ['a negative zero', '-0'],
    ['a space', ' 1'],
    ['an exponent', '1e3'],
    ['hexadecimal', '0x10'],
    ['no digit', ''],
    ['more digits than 64 bits have', '1'.repeat(20)],
    ['a very long text', '1'.repeat(1_000_000)],
    ['null', null],
    ['a list', ['1']],
  ])('refuses %s', (_name, n) => {
    expect(read(schema, { n })).toEqual(['/n type: must be int64'])
  })

  it('refuses what 64 bits cannot hold', () => {
    const above = ['/n maximum: must be <= 9223372036854775807']
    expect(read(schema, { n: '9223372036854775808' })).toEqual(above)
    expect(read(schema, { n: '-9223372036854775809' })).toEqual(['/n minimum: must be >= -9223372036854775808'])
    expect(write(schema, { n: largest + 1n })).toEqual(above)
  })

  it('keeps to its own range', () => {
    const digit = Type.Object({ n: int64({ minimum: 0n, maximum: 9n }) })
    expect(read(digit, { n: '9' })).toEqual({ n: 9n })
    expect(read(digit, { n: '-1' })).toEqual(['/n minimum: must be >= 0'])
    expect(read(digit, { n: '10' })).toEqual(['/n maximum: must be <= 9'])
  })

  it('is a bigint where it is written', () => {
    expect(write(schema, { n: '5' })).toEqual(['/n type: must be int64'])
    expect(write(schema, { n: 5 })).toEqual(['/n type: must be int64'])
  })

  it('has a default and may be absent', () => {
    const both = Type.Object({ a: int64({ default: 7n }), b: Type.Optional(int64()) })
    expect(read(both, {})).toEqual({ a: 7n })
    expect(read(schema, {})).toEqual(['/n required: is required'])
  })

  it("runs a schema's own refinement on the bigint", () => {
    const even = Type.Object({
      n: Type.Refine(
        int64(),
        (n) => n % 2n === 0n,
        () => 'must be even',
      ),
    })
    expect(read(even, { n: '4' })).toEqual({ n: 4n })
    expect(read(even, { n: '5' })).toEqual(['/n custom: must be even'])
    expect(read(even, { n: 'x' })).toEqual(['/n type: must be int64'])
  })

  it('refuses limits and defaults outside of 64 bits or of each other', () => {
    expect(() => int64({ maximum: largest + 1n })).toThrow('int64(): maximum must be a bigint from')
    expect(() => int64({ minimum: 5n, maximum: 4n })).toThrow('maximum must be a bigint from 5 to 9223372036854775807')
    expect(() => int64({ maximum: 4n, default: 5n })).toThrow('default must be a bigint from -9223372036854775808 to 4')
    expect(() => int64({ minimum: 5 as never })).toThrow('found 5 (number)')
    expect(() => int64({ default: '5' as never })).toThrow('found the text "5"')
  })
})

describe('bytes()', () => {
  const schema = Type.Object({ data: bytes() })

  it.each([
    ['no bytes', []],
    ['one byte', [0]],
    ['two bytes', [255, 254]],
    ['three bytes', [0, 1, 2]],
    ['every byte', Array.from({ length: 256 }, (_, index) => index)],
  ])('carries %s through JSON and as they are', (_name, values) => {
    const data = Uint8Array.from(values)
    expect(throughJson(schema, { data })).toEqual({ data })
    expect(read(schema, { data })).toEqual({ data })
  })

  it('gives a reader plain bytes in memory of their own, and takes a Buffer from a writer', () => {
    const { data } = throughJson(schema, { data: Buffer.from('hello') }) as { data: Uint8Array }
    expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype)
    expect(data.buffer.byteLength).toBe(5)
    expect(Buffer.from(data).toString()).toBe('hello')
  })

  it('writes only the part of memory that a view shows', () => {
    const data = Uint8Array.from([1, 2, 3, 4]).subarray(1, 3)
    expect(compileJsonWriter(toJsonSchema(schema))({ data })).toBe('{"data":"AgM="}')
  })

  it.each([
    ['text that is no base64', 'a*b='],
    ['a missing pad', 'AQ'],
    ['too much padding', 'AQI=='],
    ['the alphabet for addresses', '-_8='],
    ['a line break', 'AQID\n'],
    ['bits that mean nothing', 'AR=='],
    ['padding alone', '===='],
    ['a number', 1],
    ['a list of numbers', [1, 2]],
    ['an object', {}],
  ])('refuses %s', (_name, data) => {
    expect(read(schema, { data })).toEqual(['/data type: must be bytes'])
  })

  it('counts bytes, not letters', () => {
    const sized = Type.Object({ data: bytes({ minLength: 2, maxLength: 3 }) })
    expect(read(sized, { data: 'AQID' })).toEqual({ data: Uint8Array.from([1, 2, 3]) })
    expect(read(sized, { data: 'AQ==' })).toEqual(['/data minLength: must not have fewer than 2 bytes'])
    expect(read(sized, { data: 'AQIDBA==' })).toEqual(['/data maxLength: must not have more than 3 bytes'])
  })

  it('has a default and may be absent', () => {
    const both = Type.Object({ a: bytes({ default: Uint8Array.of(1) }), b: Type.Optional(bytes()) })
    expect(read(both, {})).toEqual({ a: Uint8Array.of(1) })
  })

  it('refuses limits that are no counts and media types that are none, all at once', () => {
    expect(() => bytes({ minLength: -1, maxLength: 0.5, mediaType: 'png' })).toThrow(
      /minLength must be .* found -1[^]*maxLength must be .* found 0.5[^]*mediaType must be .* found "png"/,
    )
    expect(() => bytes({ mediaType: 'text/plain; charset=utf-8' })).toThrow('without parameters')
    expect(() => bytes({ maxLength: 0, default: Uint8Array.of(1) })).toThrow(
      'default must have from 0 to 0 bytes, found 1',
    )
  })
})

describe('nested', () => {
  const Item = Type.Object({ id: int64(), data: Type.Optional(bytes()) })
  const value = { id: 1n, data: Uint8Array.of(1) }

  it.each([
    ['objects', Type.Object({ x: Type.Object({ y: Item }) }), { x: { y: value } }],
    ['arrays', Type.Array(Type.Array(Item)), [[value], [], [value, value]]],
    ['arrays of the type itself', Type.Object({ x: Type.Array(int64()) }), { x: [1n, largest] }],
    ['tuples', Type.Tuple([Type.String(), int64(), Item]), ['x', 1n, value]],
    ['records', Type.Record(Type.String(), Item), { a: value, b: value }],
    ['records of the type itself', Type.Record(Type.String(), int64()), { a: 1n, '1': 2n }],
    ['null or the type', Type.Object({ x: Type.Union([int64(), Type.Null()]), y: Item }), { x: null, y: value }],
    ['the type or a number', Type.Array(Type.Union([Type.Integer(), int64(), Item])), [1, 1n, value]],
    [
      'intersections',
      Type.Intersect([Type.Object({ a: int64() }), Type.Object({ b: bytes() })]),
      { a: 1n, b: value.data },
    ],
    [
      'alternatives that a constant tells apart',
      Type.Array(
        Type.Union([
          Type.Object({ kind: Type.Literal('n'), v: int64() }),
          Type.Object({ kind: Type.Literal('b'), v: bytes() }),
          Type.Object({ kind: Type.Literal('t'), v: Type.String() }),
        ]),
      ),
      [
        { kind: 'n', v: 5n },
        { kind: 'b', v: Uint8Array.of(5) },
        { kind: 't', v: '5' },
      ],
    ],
    [
      'alternatives by their fields',
      Type.Array(Type.Union([Type.Object({ a: int64() }), Type.Object({ b: Type.String() })])),
      [{ a: 1n }, { b: '1' }],
    ],
    [
      'an object or null, with a constant that may be left out',
      Type.Array(Type.Union([Type.Object({ n: int64(), kind: Type.Optional(Type.Literal('a')) }), Type.Null()])),
      [{ n: 1n }, { n: 2n, kind: 'a' }, null],
    ],
    [
      'a tree',
      Type.Cyclic({ Node: Type.Object({ n: int64(), kids: Type.Array(Type.Ref('Node')) }) }, 'Node'),
      { n: 1n, kids: [{ n: 2n, kids: [{ n: 3n, kids: [] }] }] },
    ],
    ['nothing else', int64(), 5n],
  ])('goes through JSON in %s', (_name, schema, given) => {
    const before = structuredClone(given)
    expect(throughJson(schema, given)).toEqual(given)
    expect(given).toEqual(before)
  })

  it('names the place where it is wrong', () => {
    const schema = Type.Object({ x: Type.Array(Type.Union([Item, Type.Null()])) })
    expect(read(schema, { x: [null, { id: '1', data: '*' }] })).toEqual(['/x/1/data type: must be bytes'])
    expect(read(Type.Object({ x: Type.Union([int64(), Type.Null()]) }), { x: 1 })).toEqual([
      '/x type: must be int64 or null',
    ])
  })

  it.each([
    ['text', Type.Union([int64(), Type.String()])],
    ['a constant text', Type.Union([Type.Literal('all'), int64()])],
    ['a text in another alternative', Type.Union([Type.Object({ v: bytes() }), Type.Object({ v: Type.String() })])],
    ['bytes', Type.Union([int64(), bytes()])],
    ['anything', Type.Union([int64(), Type.Unknown()])],
  ])('refuses an alternative that JSON cannot tell from it: %s', (_name, v) => {
    expect(() => compileSchema(Type.Object({ v }), undefined, 'operation a.A/op: input')).toThrow(
      /operation a.A\/op: input cannot be used: (?:int64|bytes) and \w+ are alternatives of one value/,
    )
  })

  it('changes nothing of a schema that has neither', () => {
    const value = { text: '5', list: ['AQID'] }
    const plain = Type.Object({ text: Type.String(), list: Type.Array(Type.String()) })
    expect(read(plain, value)).toBe(value)
    expect(compileJsonWriter(toJsonSchema(plain))(value)).toBe(JSON.stringify(value))
  })
})
