import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { type Contract, contract, contractInfo, type Schema, timestamp } from '@tenon/core/contract'
import { compileSchema } from '@tenon/core/transport'
import fc from 'fast-check'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { toServiceShape } from '../proto/service-shape.ts'
import { compileCodec, type MessageCodec } from './message-codec.ts'

function prepare(value: Schema) {
  const input = Type.Object({ value: value as never })
  const service = toServiceShape(
    contractInfo(contract('demo.v1.Demo', { doIt: { input, output: Type.Object({}) } }) as Contract),
  )
  const [method] = service.methods
  if (method === undefined) throw new Error('expected a message')
  return { codec: compileCodec(method.request), schema: compileSchema(input) }
}

const tag = (number: number, wireType: number) => (number << 3) | wireType
type Fill = (writer: BinaryWriter) => unknown
const bytesOf = (fill: Fill): Uint8Array => {
  const writer = new BinaryWriter()
  fill(writer)
  return writer.finish()
}
/** A message with a field of a length. */
const within =
  (number: number, fill: Fill): Fill =>
  (writer) => {
    writer.uint32(tag(number, 2)).fork()
    fill(writer)
    return writer.join()
  }
const after =
  (...fills: readonly Fill[]): Fill =>
  (writer) => {
    for (const fill of fills) fill(writer)
  }
const text =
  (number: number, value: string): Fill =>
  (writer) =>
    writer.uint32(tag(number, 2)).string(value)
const varint =
  (number: number, value: number): Fill =>
  (writer) =>
    writer.uint32(tag(number, 0)).int32(value)
const double =
  (number: number, value: number): Fill =>
  (writer) =>
    writer.uint32(tag(number, 1)).double(value)

const nothing: Fill = () => undefined
const decoded = (codec: MessageCodec, fill: Fill) => (codec.decode(bytesOf(fill)) as { value: unknown }).value
const hex = (codec: MessageCodec, value: unknown) => codec.encode({ value }).toString('hex')

function refusalOf(codec: MessageCodec, fill: Fill): unknown {
  try {
    return codec.decode(bytesOf(fill))
  } catch (error) {
    return error
  }
}

const undecodable = { code: 'invalid_argument', reason: 'undecodable', details: undefined }

describe('a union', () => {
  const { codec, schema } = prepare(
    Type.Union([
      Type.Object({ size: Type.Integer(), kind: Type.Literal('circle'), tags: Type.Array(Type.String()) }),
      Type.Object({ kind: Type.Literal('square'), size: Type.Integer() }),
    ]),
  )
  const circle = { kind: 'circle', size: 5, tags: [] }

  test('is one of its alternatives, in which the mark is not sent', () => {
    expect(hex(codec, circle)).toBe('0a040a020805')
    expect(hex(codec, { kind: 'square', size: 5 })).toBe('0a0412020805')
    expect(decoded(codec, within(1, within(1, varint(1, 5))))).toEqual(circle)
  })

  test('that has no alternative for its mark cannot be encoded', () => {
    for (const value of [{ kind: 'other', size: 5 }, { size: 5 }, {}, null, 'circle'])
      expect(() => codec.encode({ value })).toThrow(TypeError)
  })

  test('is the alternative that comes last, and one that comes in parts is merged', () => {
    const parts = after(within(1, varint(1, 5)), within(1, text(2, 'a')))
    expect(decoded(codec, within(1, parts))).toEqual({ ...circle, tags: ['a'] })
    const twice = after(within(1, within(1, varint(1, 5))), within(1, within(1, text(2, 'a'))))
    expect(decoded(codec, twice)).toEqual({ ...circle, tags: ['a'] })
    const other = after(within(1, varint(1, 5)), within(2, varint(1, 7)), within(1, text(2, 'a')))
    expect(decoded(codec, within(1, other))).toEqual({ kind: 'circle', tags: ['a'] })
  })

  test('of an alternative that nobody knows, or of none, is refused by its place', () => {
    for (const fill of [within(1, within(9, varint(1, 5))), within(1, nothing)]) {
      expect(schema.read({ value: decoded(codec, fill) })).toMatchObject({ violations: [{ field: '/value' }] })
    }
  })

  test('of another wire type is undecodable', () => {
    expect(refusalOf(codec, within(1, varint(1, 5)))).toMatchObject(undecodable)
    expect(
      refusalOf(
        codec,
        within(1, (writer) => writer.uint32(tag(1, 2)).uint32(9)),
      ),
    ).toMatchObject(undecodable)
  })
})

describe('null', () => {
  const Note = Type.Union([Type.String(), Type.Null()])

  test('is the absence of a field that must be there', () => {
    const { codec } = prepare(Note)
    expect(hex(codec, null)).toBe('')
    expect(decoded(codec, nothing)).toBeNull()
    expect(hex(codec, '')).toBe('0a00')
    expect(decoded(codec, text(1, ''))).toBe('')
  })

  test('is told from absence where both can be', () => {
    const { codec, schema } = prepare(Type.Array(Note))
    expect(hex(codec, [null, ''])).toBe('0a0208000a021200')
    expect(decoded(codec, after(within(1, varint(1, 0)), within(1, text(2, ''))))).toEqual([null, ''])
    const neither = decoded(codec, within(1, nothing))
    expect(schema.read({ value: neither })).toMatchObject({ violations: [{ field: '/value/0' }] })
    expect(refusalOf(codec, within(1, varint(2, 0)))).toMatchObject(undecodable)
  })

  test('and a value, the last of which counts', () => {
    const { codec } = prepare(Type.Array(Note))
    expect(decoded(codec, within(1, after(varint(1, 0), text(2, 'a'))))).toEqual(['a'])
    expect(decoded(codec, within(1, after(text(2, 'a'), varint(1, 7))))).toEqual([null])
  })

  test('that is a default too is told from what the default stands for', () => {
    const { codec, schema } = prepare(Type.Union([Type.String(), Type.Null()], { default: 'x' }))
    expect(hex(codec, null)).toBe('0a020800')
    expect(schema.read(codec.decode(codec.encode({ value: null })))).toMatchObject({ value: { value: null } })
    expect(schema.read(codec.decode(codec.encode({})))).toMatchObject({ value: { value: 'x' } })
  })

  test('may be a list, which is told from an empty one', () => {
    const { codec } = prepare(Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])))
    for (const value of [null, [], ['a']]) expect(codec.decode(codec.encode({ value }))).toEqual({ value })
    expect(codec.decode(codec.encode({}))).toEqual({})
  })
})

describe('what contains itself', () => {
  const Node = Type.Cyclic({ Node: Type.Object({ next: Type.Optional(Type.Ref('Node')) }) }, 'Node')
  const { codec } = prepare(Node)
  const nested = (levels: number): unknown => (levels === 1 ? {} : { next: nested(levels - 1) })
  const bytes = (levels: number): Fill => within(1, levels === 1 ? nothing : bytes(levels - 1))

  test('is carried 100 messages deep, and refused beyond', () => {
    expect(codec.decode(codec.encode({ value: nested(100) }))).toEqual({ value: nested(100) })
    expect(() => codec.encode({ value: nested(101) })).toThrow(/100 deep/)
    expect(decoded(codec, bytes(100))).toEqual(nested(100))
    expect(refusalOf(codec, bytes(101))).toMatchObject(undecodable)
  })

  test('is refused before the stack ends, whichever way it goes on', () => {
    expect(refusalOf(codec, bytes(3_000))).toMatchObject(undecodable)
    const circle: { next?: unknown } = {}
    circle.next = circle
    expect(() => codec.encode({ value: circle })).toThrow(/100 deep/)
    expect(codec.encode({ value: {} }).toString('hex')).toBe('0a00')
  })

  test('counts entries of records and messages around lists', () => {
    const Box = Type.Cyclic({ Box: Type.Record(Type.String(), Type.Ref('Box')) }, 'Box')
    const record = prepare(Box).codec
    const boxes = (levels: number): unknown => (levels === 0 ? {} : { a: boxes(levels - 1) })
    expect(record.decode(record.encode({ value: boxes(50) }))).toEqual({ value: boxes(50) })
    expect(() => record.encode({ value: boxes(51) })).toThrow(/100 deep/)
    const Rows = Type.Cyclic({ Rows: Type.Array(Type.Ref('Rows')) }, 'Rows')
    const list = prepare(Rows).codec
    const rows = (levels: number): unknown => (levels === 0 ? [] : [rows(levels - 1)])
    expect(list.decode(list.encode({ value: rows(100) }))).toEqual({ value: rows(100) })
    expect(() => list.encode({ value: rows(101) })).toThrow(/100 deep/)
  })

  test('also where it is any JSON', () => {
    const json = prepare(Type.Unknown()).codec
    const lists = (levels: number): unknown => (levels === 0 ? null : [lists(levels - 1)])
    expect(json.decode(json.encode({ value: lists(49) }))).toEqual({ value: lists(49) })
    expect(() => json.encode({ value: lists(50) })).toThrow(/100 deep/)
    const deep = (levels: number): Fill => (levels === 0 ? varint(1, 0) : within(6, within(1, deep(levels - 1))))
    expect(refusalOf(json, within(1, deep(50)))).toMatchObject(undecodable)
    expect(refusalOf(json, within(1, deep(2_000)))).toMatchObject(undecodable)
  })
})

describe('any JSON', () => {
  const { codec } = prepare(Type.Unknown())

  test('comes through as it is, also in numbers', () => {
    for (const value of [null, true, '', 0, -0, 0.1, Number.MAX_SAFE_INTEGER, [], {}, [[], {}], { a: { '': [null] } }])
      expect(codec.decode(codec.encode({ value }))).toEqual({ value })
  })

  test('is absent when it is not there', () => {
    expect(codec.decode(codec.encode({}))).toEqual({})
  })

  test('is what JSON would make of a value', () => {
    const value = { at: new Date(0), gone: undefined, list: [undefined] }
    expect(codec.decode(codec.encode({ value }))).toEqual({ value: JSON.parse(JSON.stringify(value)) })
  })

  test('cannot be what JSON does not have', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 5n, new Uint8Array(1), Symbol('a'), () => 1])
      expect(() => codec.encode({ value })).toThrow('expected a value that JSON has')
  })

  test('has no name that would change its prototype', () => {
    const entry = (key: string) => within(1, within(5, within(1, after(text(1, key), within(2, text(3, 'x'))))))
    expect(decoded(codec, entry('a'))).toEqual({ a: 'x' })
    const found = decoded(codec, entry('__proto__'))
    expect([found, Object.getPrototypeOf(found)]).toEqual([{}, Object.prototype])
  })

  test('is merged where it comes in parts', () => {
    const list = (value: string) => within(1, within(6, within(1, text(3, value))))
    expect(decoded(codec, after(list('a'), list('b')))).toEqual(['a', 'b'])
    const struct = (key: string) => within(1, within(5, within(1, after(text(1, key), within(2, varint(1, 0))))))
    expect(decoded(codec, after(struct('a'), struct('b')))).toEqual({ a: null, b: null })
    expect(decoded(codec, after(list('a'), within(1, text(3, 'b'))))).toBe('b')
  })

  test.each<[string, Fill]>([
    ['not a number', double(2, Number.NaN)],
    ['infinity', double(2, Number.NEGATIVE_INFINITY)],
    ['no kind', nothing],
    ['another kind', varint(9, 0)],
    ['another wire type', varint(3, 0)],
    ['another wire type in a list', within(6, varint(1, 0))],
    ['another wire type in an entry', within(5, within(1, varint(1, 0)))],
    ['an entry without a value', within(5, within(1, text(1, 'a')))],
    ['text that is not UTF-8', (writer) => writer.uint32(tag(3, 2)).bytes(Uint8Array.of(0xc3, 0x28))],
    ['a list that is cut off', (writer) => writer.uint32(tag(6, 2)).uint32(9)],
  ])('of %s is undecodable', (_name, fill) => {
    expect(refusalOf(codec, within(1, fill))).toMatchObject(undecodable)
  })

  test('of random bytes is a message or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const found = refusalOf(
          codec,
          within(1, (writer) => writer.raw(bytes)),
        )
        if (found instanceof Error) expect(found).toMatchObject(undecodable)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a timestamp', () => {
  const { codec, schema } = prepare(timestamp())
  const moment = (seconds: number, nanos: number) =>
    after(
      (writer) => writer.uint32(tag(1, 0)).int64(seconds),
      (writer) => writer.uint32(tag(2, 0)).int32(nanos),
    )

  test.each([
    ['1970-01-01T00:00:00.000Z', 0, 0],
    ['0001-01-01T00:00:00.000Z', -62_135_596_800, 0],
    ['9999-12-31T23:59:59.999999999Z', 253_402_300_799, 999_999_999],
    ['1969-12-31T23:59:59.500Z', -1, 500_000_000],
    ['2026-01-31T12:00:00.000001Z', 1_769_860_800, 1_000],
    ['2026-01-31T12:00:00.123000001Z', 1_769_860_800, 123_000_001],
  ])('%s is so many seconds and nanoseconds', (value, seconds, nanos) => {
    expect(decoded(codec, within(1, moment(seconds, nanos)))).toBe(value)
    expect(codec.decode(codec.encode({ value }))).toEqual({ value })
  })

  test('is one text for each moment, and one moment for each text', () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 })
    const nanos = fc.oneof(
      fc.integer({ min: 0, max: 999_999_999 }),
      fc.nat(999).map((ms) => ms * 1_000_000),
    )
    fc.assert(
      fc.property(seconds, nanos, (second, nano) => {
        const value = decoded(codec, within(1, moment(second, nano)))
        expect(schema.read({ value })).toMatchObject({ ok: true })
        expect(codec.decode(codec.encode({ value }))).toEqual({ value })
        const fields = after(
          second === 0 ? nothing : (writer) => writer.uint32(tag(1, 0)).int64(second),
          nano === 0 ? nothing : varint(2, nano),
        )
        expect(hex(codec, value)).toBe(Buffer.from(bytesOf(within(1, fields))).toString('hex'))
      }),
    )
  })

  test('is merged where it comes in parts', () => {
    const parts = after(
      within(1, (writer) => writer.uint32(tag(1, 0)).int64(5)),
      within(1, varint(2, 1_000)),
    )
    expect(decoded(codec, parts)).toBe('1970-01-01T00:00:05.000001Z')
  })

  test('out of its range is refused by its place', () => {
    for (const [seconds, nanos] of [
      [-62_135_596_801, 0],
      [253_402_300_800, 0],
      [0, -1],
      [0, 1_000_000_000],
    ] as const) {
      const value = decoded(codec, within(1, moment(seconds, nanos)))
      expect(schema.read({ value })).toMatchObject({ violations: [{ field: '/value', rule: 'format' }] })
    }
  })

  test('of another spelling cannot be encoded', () => {
    for (const value of ['2026-01-31', '2026-01-31T12:00:00Z', '2026-02-30T00:00:00.000Z', '', 5, null, new Date(0)])
      expect(() => codec.encode({ value })).toThrow('expected a timestamp')
  })
})
