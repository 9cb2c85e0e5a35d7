import {
  create,
  createRegistry,
  type DescMessage,
  fromBinary,
  type Message,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { AnySchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import { type Contract, contractInfo } from '@tenon/core/contract'
import { compileJsonWriter, compileSchema, type SchemaResult, ServiceError } from '@tenon/core/transport'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CorpusService,
  type Everything,
  EverythingSchema,
  file_corpus_v1_corpus,
} from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { MoneySchema } from '../../fixture/gen/corpus/v1/shared_pb.js'
import { toProtoService } from '../service/proto-service.ts'
import { anyMessage } from './arbitrary-message.test-harness.ts'
import { protoContract } from './index.ts'

const registry = createRegistry(file_corpus_v1_corpus, MoneySchema, TimestampSchema)

function partsOf(contract: Contract) {
  const [operation] = contractInfo(contract).operations
  const [method] = toProtoService(contractInfo(contract)).methods
  if (operation === undefined || method === undefined) throw new Error('the contract is empty')
  return {
    schema: compileSchema(operation.inputSchema),
    json: compileJsonWriter(operation.inputJsonSchema),
    codec: method.request,
  }
}

const native = partsOf(protoContract(CorpusService) as Contract)
const textual = partsOf(protoContract(CorpusService, { int64: 'string' }) as Contract)

const bytesOf = (message: Message, desc: DescMessage = EverythingSchema) => toBinary(desc, message)
const everything = (init: Parameters<typeof create<typeof EverythingSchema>>[1]) => create(EverythingSchema, init)

function read(parts: typeof native, value: unknown): unknown {
  const result = parts.schema.read(value) as SchemaResult
  if (!result.ok) throw new Error(JSON.stringify(result.violations))
  return result.value
}

/** What protobuf-es says that a message is in JSON, with everything that is filled in. */
const jsonOf = (message: Message): unknown =>
  JSON.parse(JSON.stringify(toJson(EverythingSchema, message as Everything, { registry, alwaysEmitImplicit: true })))

/** JSON has no zero with a sign. */
function unsigned(value: unknown): unknown {
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(unsigned)
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, unsigned(entry)]))
}

test('any message is the value that ProtoJSON has for it, and back the same bytes', () => {
  const messages = anyMessage(EverythingSchema)
  fc.assert(
    fc.property(messages, fc.constantFrom(native, textual), (message, parts) => {
      const bytes = bytesOf(message)
      const value = parts.codec.decode(bytes)
      expect(JSON.parse(parts.json(value))).toEqual(jsonOf(message))
      const back = fromBinary(EverythingSchema, new Uint8Array(parts.codec.encode(value)))
      expect(back).toEqual(fromBinary(EverythingSchema, bytes))
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('any value is accepted by its schema, as it is and through JSON', () => {
  fc.assert(
    fc.property(anyMessage(EverythingSchema), fc.constantFrom(native, textual), (message, parts) => {
      const value = parts.codec.decode(bytesOf(message))
      expect(read(parts, structuredClone(value))).toEqual(value)
      expect(read(parts, JSON.parse(parts.json(value)))).toEqual(unsigned(value))
    }),
    { numRuns: 100 },
  )
}, 60_000)

test.each([
  ['a byte too few', [0x7a, 2, 1]],
  ['a tag of field 0', [0x00]],
  ['text that is no UTF-8', [0x72, 1, 0xff]],
])('bytes that are no message are undecodable, without detail: %s', (_name, bytes) => {
  const failure = failureOf(() => native.codec.decode(Uint8Array.from(bytes)))
  expect(ServiceError.is(failure) && [failure.code, failure.reason, failure.message]).toEqual([
    'invalid_argument',
    'undecodable',
    'the message cannot be decoded',
  ])
})

test('a message nested more than 100 deep is undecodable', () => {
  let message = everything({})
  for (let depth = 0; depth < 100; depth += 1) message = everything({ self: message })
  expect(failureOf(() => native.codec.decode(bytesOf(message)))).toMatchObject({ reason: 'undecodable' })
})

test('what is not known is dropped: fields, and what an Any holds is told by its place', () => {
  const field = Uint8Array.from([0x98, 0x7d, 1])
  expect(native.codec.decode(field)).toEqual(native.codec.decode(new Uint8Array()))
  const any = bytesOf(
    everything({ any: create(AnySchema, { typeUrl: 'type.googleapis.com/lost.v1.Lost', value: field }) }),
  )
  expect(violationsOf(native, native.codec.decode(any))).toEqual(['/any'])
  const late = bytesOf(everything({ at: create(TimestampSchema, { seconds: 2n ** 62n }) }))
  expect(violationsOf(native, native.codec.decode(late))).toEqual(['/at'])
})

test('an enum number without a name stays a number, and a name of the same number is read as the first', () => {
  const encoded = fromBinary(EverythingSchema, native.codec.encode({ shade: 'SHADE_BLACK', shadeMaybe: 77 }))
  expect(native.codec.decode(bytesOf(encoded))).toMatchObject({ shade: 'SHADE_DARK', shadeMaybe: 77 })
})

test.each<[string, unknown, string]>([
  ['an unknown name', { shade: 'SHADE_LOST' }, '/shade'],
  ['the number of a known name', { shade: 1 }, '/shade'],
  ['an integer that is too large', { int32One: 2 ** 31 }, '/int32One'],
  ['an unsigned integer below zero', { uint32One: -1 }, '/uint32One'],
  ['64 bits too many', { int64One: 2n ** 63n }, '/int64One'],
  ['64 unsigned bits below zero', { uint64One: -1n }, '/uint64One'],
  ['a float that is too large', { floatOne: 1e39 }, '/floatOne'],
  ['a number as text', { doubleOne: '1.5' }, '/doubleOne'],
  ['two members of a oneof', { choiceText: 'a', choiceLong: 1n }, ''],
  [
    'two members of a oneof deep inside',
    { self: { selves: [{ choiceText: 'a', choiceNull: null }] } },
    '/self/selves/0',
  ],
  ['a key that is none', { byInt32: { x: 1n } }, '/byInt32/x'],
  ['a key out of range', { byUint64: { '18446744073709551616': {} } }, '/byUint64/18446744073709551616'],
  ['a key of no truth', { byBool: { TRUE: '2026-01-31T12:00:00Z' } }, '/byBool/TRUE'],
  ['a day that is none', { at: '2026-02-30T12:00:00Z' }, '/at'],
  ['a year too late', { at: '10000-01-01T00:00:00Z' }, '/at'],
  ['a duration that is too long', { lasting: '315576000001s' }, '/lasting'],
  ['a duration without unit', { lasting: '1' }, '/lasting'],
  ['a mask of no field names', { mask: 'a_b' }, '/mask'],
  ['a struct that is a list', { struct: [] }, '/struct'],
  ['a value that is not JSON', { value: 1n }, '/value'],
  ['an any of an unknown type', { any: { '@type': 'type.googleapis.com/lost.v1.Lost' } }, '/any'],
  ['an any whose fields do not fit', { any: { '@type': 'type.googleapis.com/corpus.v1.Money', units: 'x' } }, '/any'],
  ['null for a text', { stringOne: null }, '/stringOne'],
  ['half a character', { stringOne: '\ud800' }, '/stringOne'],
])('refuses %s by its place', (_name, value, field) => {
  expect(new Set(violationsOf(native, value))).toEqual(new Set([field]))
})

test.each<[string, string | number]>([
  ['int64One', '9223372036854775808'],
  ['int64One', '-9223372036854775809'],
  ['uint64One', '18446744073709551616'],
  ['uint64One', '-1'],
  ['int64One', '01'],
  ['int64One', 1],
])('refuses %s of %j where 64 bits are text', (name, found) => {
  expect(violationsOf(textual, { [name]: found })).toEqual([`/${name}`])
})

test.each<[string, string]>([
  ['int64One', '9223372036854775807'],
  ['int64One', '-9223372036854775808'],
  ['uint64One', '18446744073709551615'],
  ['fixed64One', '9999999999999999999'],
  ['int64One', '-9'],
  ['int64One', '0'],
])('takes %s of %j where 64 bits are text', (name, found) => {
  expect(read(textual, { [name]: found })).toMatchObject({ [name]: found })
})

function failureOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

function violationsOf(parts: typeof native, value: unknown): readonly string[] {
  const result = parts.schema.read(value) as SchemaResult
  return result.ok ? [] : result.violations.map(({ field }) => field)
}
