import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { bytes, type Contract, contract, contractInfo, int64, type Schema, uint64 } from '@tenon/core/contract'
import { compileSchema, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { compileCodec } from './message-codec.ts'
import { toServiceShape } from '../proto/service-shape.ts'

function prepare(input: Schema) {
  const service = toServiceShape(
    contractInfo(contract('demo.v1.Demo', { doIt: { input, output: Type.Object({}) } }) as Contract),
  )
  const [method] = service.methods
  if (method === undefined) throw new Error('expected a message')
  return { codec: compileCodec(method.request), schema: compileSchema(input) }
}

const Item = Type.Object({ sku: Type.Optional(Type.String()), amounts: Type.Array(Type.Integer()) })
const Order = Type.Object({
  name: Type.Optional(Type.String()),
  count: Type.Optional(Type.Integer({ minimum: -1000, maximum: 1000 })),
  placedAt: Type.Optional(Type.Integer()),
  rating: Type.Optional(Type.Number()),
  isPaid: Type.Optional(Type.Boolean()),
  state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('done')])),
  item: Type.Optional(Item),
  items: Type.Array(Item),
  flags: Type.Array(Type.Boolean()),
  prices: Type.Record(Type.String(), Type.Integer()),
  byName: Type.Record(Type.String(), Item),
})
const order = prepare(Order)
const nothing = { items: [], flags: [], prices: {}, byName: {} }

const bytesOf = (write: (writer: BinaryWriter) => unknown): Uint8Array => {
  const writer = new BinaryWriter()
  write(writer)
  return writer.finish()
}
/** The tag of a field of `Order`: 0 varint, 1 64 bits, 2 with a length, 3 and 4 a group, 5 32 bits. */
const tag = (number: number, wireType: number) => (number << 3) | wireType
const decode = (write: (writer: BinaryWriter) => unknown): unknown => order.codec.decode(bytesOf(write))

function refusalOf(bytes: Uint8Array): unknown {
  try {
    return order.codec.decode(bytes)
  } catch (error) {
    return error
  }
}

const undecodable = {
  code: 'invalid_argument',
  message: 'the message cannot be decoded',
  reason: 'undecodable',
  details: undefined,
}

describe('decoding', () => {
  test('required lists and maps that are absent are empty', () => {
    expect(order.codec.decode(new Uint8Array())).toEqual(nothing)
  })

  test('lists are read packed, unpacked and mixed', () => {
    const packed = decode((writer) =>
      writer.uint32(tag(9, 2)).fork().bool(true).bool(false).join().uint32(tag(9, 0)).bool(true),
    )
    expect(packed).toEqual({ ...nothing, flags: [true, false, true] })
  })

  test('unknown fields of every wire type are passed over', () => {
    const read = decode((writer) =>
      writer
        .uint32(tag(50, 0))
        .uint64(1)
        .uint32(tag(50, 1))
        .fixed64(1)
        .uint32(tag(50, 2))
        .string('x')
        .uint32(tag(50, 3))
        .uint32(tag(1, 3))
        .uint32(tag(1, 4))
        .uint32(tag(50, 4))
        .uint32(tag(50, 5))
        .fixed32(1)
        .uint32(tag(1, 2))
        .string('Ada'),
    )
    expect(read).toEqual({ ...nothing, name: 'Ada' })
  })

  test('an embedded message that comes in parts is merged, a scalar that comes again replaced', () => {
    const read = decode((writer) =>
      writer
        .uint32(tag(7, 2))
        .fork()
        .uint32(tag(1, 2))
        .string('a')
        .uint32(tag(2, 0))
        .int64(1)
        .join()
        .uint32(tag(1, 2))
        .string('first')
        .uint32(tag(7, 2))
        .fork()
        .uint32(tag(2, 0))
        .int64(2)
        .join()
        .uint32(tag(1, 2))
        .string('last'),
    )
    expect(read).toEqual({ ...nothing, name: 'last', item: { sku: 'a', amounts: [1, 2] } })
  })

  test('a map entry without key or value has their defaults, and one named __proto__ is dropped', () => {
    const entry = (number: number, key: string) => (writer: BinaryWriter) =>
      writer.uint32(tag(number, 2)).fork().uint32(tag(1, 2)).string(key).join()
    const read = decode((writer) => {
      entry(10, 'a')(writer).uint32(tag(10, 2)).fork().join()
      entry(11, 'b')(writer)
      entry(11, '__proto__')(writer)
    })
    expect(read).toEqual({ ...nothing, prices: { a: 0, '': 0 }, byName: { b: { amounts: [] } } })
    expect(Object.getPrototypeOf((read as { byName: object }).byName)).toBe(Object.prototype)
  })

  const text = (length: number) => bytesOf((writer) => writer.uint32(tag(1, 2)).uint32(length).uint32(0))
  const refused: readonly (readonly [string, Uint8Array])[] = [
    ['another wire type', bytesOf((writer) => writer.uint32(tag(1, 0)).uint32(1))],
    ['another wire type in a list', bytesOf((writer) => writer.uint32(tag(8, 0)).uint32(1))],
    [
      'another wire type in a map entry',
      bytesOf((writer) => writer.uint32(tag(10, 2)).fork().uint32(tag(1, 0)).uint32(1).join()),
    ],
    ['a cut-off message', bytesOf((writer) => writer.uint32(tag(1, 2)).string('Ada')).subarray(0, 3)],
    ['a cut-off tag', Uint8Array.of(0x80)],
    ['a cut-off varint', Uint8Array.of(tag(3, 0), 0xff)],
    ['a cut-off double', Uint8Array.of(tag(4, 1), 0, 0)],
    ['a missing boolean', Uint8Array.of(tag(5, 0))],
    ['a length beyond the message', text(100)],
    ['the longest length', text(0xffff_ffff)],
    ['a varint that never ends', Uint8Array.of(tag(3, 0), ...new Uint8Array(11).fill(0xff))],
    ['an embedded message that ends inside a field', Uint8Array.of(tag(7, 2), 2, tag(2, 0), 0x80, 0x01)],
    ['a packed list that ends inside an item', Uint8Array.of(tag(9, 2), 1, 0x80, 0x01)],
    ['a map entry that ends inside a field', Uint8Array.of(tag(10, 2), 2, tag(2, 0), 0x80, 0x01)],
    ['field number 0', Uint8Array.of(2, 0)],
    ['a tag of more than 32 bits', Uint8Array.of(0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 0)],
    ['the end of a group that never began', Uint8Array.of(((50 << 3) & 0x7f) | 0x84, 0x03)],
    ['a group that never ends', Uint8Array.of(0x93, 0x03)],
    ['groups in groups without end', new Uint8Array(10_000).fill(0x0b)],
    ['text that is not UTF-8', bytesOf((writer) => writer.uint32(tag(1, 2)).bytes(Uint8Array.of(0xc3, 0x28)))],
    ['a wire type that does not exist', Uint8Array.of(tag(1, 6))],
  ]
  test.each(refused)('%s is refused without naming a field', (_name, bytes) => {
    expect(refusalOf(bytes)).toMatchObject(undecodable)
  })

  test('random bytes are a message or refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const result = refusalOf(bytes)
        if (result instanceof Error) expect(ServiceError.is(result)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('what decodes and does not fit names its field', () => {
  const violationsOf = (write: (writer: BinaryWriter) => unknown) => order.schema.read(decode(write))

  test('an integer beyond the safe range', () => {
    for (const value of ['9007199254740992', '9007199254740993', '-9007199254740993']) {
      const result = violationsOf((writer) => writer.uint32(tag(3, 0)).int64(value))
      expect(result).toMatchObject({ ok: false, violations: [{ field: '/placedAt' }] })
    }
    expect(violationsOf((writer) => writer.uint32(tag(3, 0)).int64('9007199254740991'))).toMatchObject({ ok: true })
  })

  test('an enum number without a text, such as that of no value', () => {
    for (const number of [0, 3, -1]) {
      const result = violationsOf((writer) => writer.uint32(tag(6, 0)).int32(number))
      expect(result).toMatchObject({ ok: false, violations: [{ field: '/state' }] })
    }
  })

  test('a number that is none', () => {
    const result = violationsOf((writer) => writer.uint32(tag(4, 1)).double(Number.NaN))
    expect(result).toMatchObject({ ok: false, violations: [{ field: '/rating' }] })
  })
})

test('a value that does not have the types of the message cannot be encoded', () => {
  const { codec } = order
  const wrong = [
    { name: 1 },
    { state: 'lost' },
    { item: 'x' },
    { rating: '5' },
    { isPaid: 'yes' },
    { isPaid: 0 },
    { count: 1.5 },
    { count: '5' },
    { count: 2 ** 31 },
    { placedAt: 0.5 },
    { placedAt: '5' },
    { placedAt: 2 ** 63 },
    { placedAt: Number.NaN },
  ]
  for (const value of [undefined, 1, ...wrong.map((field) => ({ ...nothing, ...field }))])
    expect(() => codec.encode(value), JSON.stringify(value)).toThrow(TypeError)
})

describe('bytes() and int64()', () => {
  const { codec } = prepare(
    Type.Object({
      data: bytes(),
      id: Type.Optional(int64()),
      byName: Type.Record(Type.String(), bytes()),
      counts: Type.Record(Type.String(), int64()),
      ids: Type.Array(int64()),
    }),
  )
  const rest = { byName: {}, counts: {}, ids: [] }

  test('bytes are plain, and in memory of their own', () => {
    const message = Buffer.from(codec.encode({ data: Buffer.from('hello'), ...rest }))
    const { data } = codec.decode(message) as { data: Uint8Array }
    message.fill(0)
    expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype)
    expect(Buffer.from(data).toString()).toBe('hello')
  })

  test('all 64 bits are exact', () => {
    const ids = [2n ** 63n - 1n, -(2n ** 63n), 0n, 1n, -1n, 2n ** 53n + 1n]
    expect(codec.decode(codec.encode({ data: new Uint8Array(), ...rest, ids }))).toMatchObject({ ids })
  })

  test('an entry of a map without a value has no bytes, or is 0', () => {
    const entry = (number: number) => bytesOf((writer) => writer.uint32(tag(number, 2)).fork().join())
    expect(codec.decode(Buffer.concat([entry(3), entry(4)]))).toEqual({
      byName: { '': new Uint8Array() },
      counts: { '': 0n },
      ids: [],
    })
  })

  test('a value of another type, or of more than 64 bits, cannot be encoded', () => {
    for (const wrong of [{ data: 'aGk=' }, { data: [1] }, { id: 5 }, { id: '5' }, { id: 2n ** 63n }])
      expect(() => codec.encode({ data: new Uint8Array(), ...rest, ...wrong })).toThrow(TypeError)
  })
})

describe('uint64()', () => {
  test('is exact, and never below zero', () => {
    const { codec } = prepare(Type.Object({ id: uint64() }))
    const bytes = codec.encode({ id: 2n ** 64n - 1n })
    expect(bytes.toString('hex')).toBe('08ffffffffffffffffff01')
    expect(codec.decode(bytes)).toEqual({ id: 2n ** 64n - 1n })
    for (const id of [-1n, 2n ** 64n, 5]) expect(() => codec.encode({ id })).toThrow(TypeError)
  })
})
