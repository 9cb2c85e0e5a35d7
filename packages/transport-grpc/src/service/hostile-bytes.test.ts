import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { bytes, type Contract, contract, contractInfo, int64 } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { array, assert, integer, property, record, string } from 'fast-check'
import { expect, test } from 'vitest'
import { anyBytes } from './any-bytes.test-harness.ts'
import { toProtoService } from './proto-service.ts'

const Tree = Type.Cyclic(
  { Node: Type.Object({ name: Type.Optional(Type.String()), children: Type.Array(Type.Ref('Node')) }) },
  'Node',
)

/** All that a field may be. */
const hostile = contract('test.v1.HostileService', {
  take: {
    input: Type.Object({
      text: Type.Optional(Type.String()),
      count: Type.Integer(),
      small: Type.Optional(Type.Integer({ minimum: -5, maximum: 5 })),
      large: Type.Optional(int64()),
      ratio: Type.Optional(Type.Number()),
      isOn: Type.Optional(Type.Boolean()),
      data: Type.Optional(bytes()),
      mood: Type.Optional(Type.Union([Type.Literal('calm'), Type.Literal('loud')])),
      numbers: Type.Array(Type.Integer()),
      names: Type.Array(Type.String()),
      labels: Type.Record(Type.String(), Type.String()),
      places: Type.Record(Type.String(), Type.Object({ city: Type.String() })),
      home: Type.Optional(Type.Object({ city: Type.String(), floors: Type.Array(Type.Number()) })),
      tree: Type.Optional(Tree),
      any: Type.Optional(Type.Unknown()),
      either: Type.Optional(
        Type.Union([
          Type.Object({ kind: Type.Literal('a'), a: Type.String() }),
          Type.Object({ kind: Type.Literal('b'), b: Type.Number() }),
        ]),
      ),
    }),
    output: Type.Object({}),
  },
})

const codec = toProtoService(contractInfo(hostile as Contract)).methods[0]?.request
if (codec === undefined) throw new Error('the contract has an operation')
const { decode, encode } = codec

/** Whether the bytes were refused, the only way they may be: as what they are, and not for want of memory or stack. */
function isRefused(given: Uint8Array): boolean {
  try {
    expect(decode(given)).toBeTypeOf('object')
    return false
  } catch (error) {
    if (!ServiceError.is(error)) throw error
    expect(error).toMatchObject({ code: 'invalid_argument', reason: 'undecodable', details: undefined })
    expect(String(error.cause)).not.toMatch(/call stack|allocation|Invalid array length/)
    return true
  }
}

const valid = record({
  text: string(),
  count: integer(),
  numbers: array(integer()),
  names: array(string()),
  key: string(),
}).map(({ key, text, ...rest }) =>
  encode({
    ...rest,
    text,
    labels: { [key]: text },
    places: { [key]: { city: text } },
    home: { city: key, floors: [1, 2] },
  }),
)

test('any bytes are a value or undecodable', () => {
  const count = { value: 0, refused: 0 }
  const any = anyBytes(valid)
  assert(
    property(any, (given) => {
      count[isRefused(given) ? 'refused' : 'value'] += 1
    }),
    { numRuns: 5_000 },
  )
  // Both happen often, so neither is what all bytes come to.
  expect(Math.min(count.value, count.refused)).toBeGreaterThan(200)
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('a message that is cut off anywhere is a value or undecodable', () => {
  const whole = encode({
    text: 'a',
    count: 300,
    numbers: [1, 300],
    names: ['b'],
    labels: { a: 'b' },
    places: { a: { city: 'c' } },
  })
  for (let length = 0; length <= whole.length; length += 1) isRefused(whole.subarray(0, length))
  expect(isRefused(whole)).toBe(false)
})

const depths = [101, 10_000, 100_000]

test.each(depths)('messages nested %d deep are undecodable, not a fault of the stack', (depth) => {
  expect(isRefused(nested(['tree', ...Array<FieldName>(depth).fill('children')]))).toBe(true)
})

test.each(depths)('any JSON nested %d deep is undecodable, not a fault of the stack', (depth) => {
  expect(isRefused(nested(['any', ...Array<FieldName[]>(depth).fill(['listValue', 'values']).flat()]))).toBe(true)
})

test('messages nested 50 deep are a value', () => {
  expect(isRefused(nested(['tree', ...Array<FieldName>(50).fill('children')]))).toBe(false)
  const lists = Array<FieldName[]>(25).fill(['listValue', 'values']).flat()
  expect(isRefused(nested(['any', ...lists], nullValue))).toBe(false)
})

/** Our own by the order in which they are declared; the others are those of google.protobuf.Value and ListValue. */
const fieldNumber = { tree: 14, children: 2, any: 15, listValue: 6, values: 1 } as const
type FieldName = keyof typeof fieldNumber

const nullValue = new BinaryWriter().tag(1, WireType.Varint).int32(0).finish()

/** Fields each of which holds nothing but the next, written from the inside to the outside. */
function nested(path: readonly FieldName[], innermost = new Uint8Array()): Uint8Array {
  const heads: Uint8Array[] = [innermost]
  let length = innermost.length
  for (const name of path.toReversed()) {
    const head = new BinaryWriter()
      .uint32((fieldNumber[name] << 3) | 2)
      .uint32(length)
      .finish()
    heads.push(head)
    length += head.length
  }
  return Buffer.concat(heads.toReversed())
}
