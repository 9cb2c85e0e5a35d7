import { create, createRegistry, type DescMessage, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { type Contract, contractInfo } from '@tenon/core/contract'
import { compileSchema, type SchemaResult, ServiceError } from '@tenon/core/transport'
import { assert, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { CorpusService, EverythingSchema } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { anyBytes } from '../service/any-bytes.test-harness.ts'
import { toProtoService } from '../service/proto-service.ts'
import { anyMessage } from './arbitrary-message.test-harness.ts'
import { protoContract } from './index.ts'

function partsOf(contract: Contract) {
  const info = contractInfo(contract)
  const [operation, method] = [info.operations[0], toProtoService(info).methods[0]]
  if (operation === undefined || method === undefined) throw new Error('the contract is empty')
  return { schema: compileSchema(operation.inputSchema), codec: method.request }
}

const types = createRegistry(AnySchema)
const native = partsOf(protoContract(CorpusService, { types }) as Contract)
const textual = partsOf(protoContract(CorpusService, { int64: 'string', types }) as Contract)

/** What became of bytes: they were no message, their value does not fit, or it does and can be written again. */
function outcomeOf(given: Uint8Array, { codec, schema }: typeof native = native): 'undecodable' | 'invalid' | 'value' {
  const value = decoded(given, codec)
  if (value === undefined) return 'undecodable'
  const result = schema.read(value) as SchemaResult
  if (!result.ok) return 'invalid'
  // Of the address of an Any's type only the name is kept, so the first bytes may be others.
  const again = codec.encode(result.value)
  expect(codec.encode(codec.decode(again))).toEqual(again)
  return 'value'
}

/** Refused bytes are refused as what they are, and not for want of memory or stack. */
function decoded(given: Uint8Array, codec: typeof native.codec): unknown {
  try {
    const value = codec.decode(given)
    expect(value).toBeTypeOf('object')
    return value
  } catch (error) {
    if (!ServiceError.is(error)) throw error
    expect(error).toMatchObject({ code: 'invalid_argument', reason: 'undecodable', details: undefined })
    expect(String(error.cause)).not.toMatch(/call stack|allocation|Invalid array length/)
    return undefined
  }
}

const everything: DescMessage = EverythingSchema
const valid = anyMessage(everything).map((message) => toBinary(everything, message))

test('any bytes are a value, one that does not fit, or undecodable', () => {
  const count = { undecodable: 0, invalid: 0, value: 0 }
  assert(
    property(anyBytes(valid, 161), constantFrom(native, textual), (given, parts) => {
      count[outcomeOf(given, parts)] += 1
    }),
    { numRuns: 2_000, endOnFailure: true },
  )
  // Both happen often, so neither is what all bytes come to.
  expect(Math.min(count.value, count.undecodable)).toBeGreaterThan(50)
  expect(Object.keys(Object.prototype)).toEqual([])
}, 60_000)

test('a message that is cut off anywhere is a value or undecodable', () => {
  const whole = toBinary(
    EverythingSchema,
    create(EverythingSchema, {
      stringOne: 'a',
      textLongList: ['1', '300'],
      byInt32: { 300: 1n },
      struct: { a: [1] },
      wrappedList: [{ value: 300n }],
      choice: { case: 'choiceMoney', value: { currency: 'EUR' } },
    }),
  )
  for (let length = 0; length < whole.length; length += 1)
    expect(['value', 'invalid', 'undecodable']).toContain(outcomeOf(whole.subarray(0, length)))
  expect(outcomeOf(whole)).toBe('value')
})

const depths = [101, 10_000, 100_000]

test.each(depths)('messages nested %d deep are undecodable, not a fault of the stack', (depth) => {
  expect(outcomeOf(nested(Array<FieldName>(depth).fill('self')))).toBe('undecodable')
})

test.each(depths)('a Value nested %d deep is undecodable, not a fault of the stack', (depth) => {
  expect(outcomeOf(nested(['value', ...Array<FieldName[]>(depth).fill(['listValue', 'values']).flat()]))).toBe(
    'undecodable',
  )
})

test('messages and values nested 40 deep are values', () => {
  expect(outcomeOf(nested(Array<FieldName>(40).fill('self')))).toBe('value')
  const lists = Array<FieldName[]>(20).fill(['listValue', 'values']).flat()
  expect(outcomeOf(nested(['value', ...lists], nullValue))).toBe('value')
})

// An Any holds bytes, so no reader counts how deep it is.
test.each([
  [50, 'value'],
  [10_000, 'invalid'],
  [50_000, 'invalid'],
])('an Any nested %d deep is told from what does not fit, not a fault of the stack: %s', (depth, outcome) => {
  expect(outcomeOf(nested(['any', ...Array<FieldName>(depth).fill('inAny')]))).toBe(outcome)
})

/** By the numbers of the corpus, google.protobuf.Value, ListValue and Any. */
const fieldNumber = { self: 103, value: 145, any: 147, listValue: 6, values: 1, inAny: 2 } as const
type FieldName = keyof typeof fieldNumber

const nullValue = new BinaryWriter().tag(1, WireType.Varint).int32(0).finish()
const typeOfAny = new BinaryWriter().uint32(10).string('type.googleapis.com/google.protobuf.Any').finish()

/** Fields each of which holds nothing but the next, written from the inside to the outside. */
function nested(path: readonly FieldName[], innermost = new Uint8Array()): Uint8Array {
  const heads: Uint8Array[] = [innermost]
  let length = innermost.length
  for (const name of path.toReversed()) {
    const head = new BinaryWriter()
    if (name === 'inAny') head.raw(typeOfAny)
    const bytes = head
      .uint32((fieldNumber[name] << 3) | 2)
      .uint32(length)
      .finish()
    heads.push(bytes)
    length += bytes.length
  }
  return Buffer.concat(heads.toReversed())
}
