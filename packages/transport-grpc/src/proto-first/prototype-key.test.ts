import { create, createRegistry, type DescMessage, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import { anyPack, StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { EverythingSchema, file_corpus_v1_corpus } from '../../fixture/gen/corpus/v1/corpus_pb.js'
import { compileMessageCodec } from './message-codec.ts'

const registry = createRegistry(file_corpus_v1_corpus, StructSchema)
const codecOf = (message: DescMessage) => compileMessageCodec(message, { int64: 'bigint', registry })

const json = (text: string) => JSON.parse(text) as JsonValue
const hostile = json('{"a":1,"__proto__":{"isAdmin":true},"in":[{"__proto__":{"isAdmin":true},"b":[]}]}')
const tame = { a: 1, in: [{ b: [] }] }

/** Bytes that hold the key wherever a message can. */
const bytes = toBinary(
  EverythingSchema,
  create(EverythingSchema, {
    byString: json('{"__proto__":"x","a":"b"}') as never,
    selvesByName: Object.fromEntries(
      ['a', '__proto__'].map((key) => [key, create(EverythingSchema, { struct: hostile as never })]),
    ),
    struct: hostile as never,
    value: fromJson(ValueSchema, hostile),
    listValue: { values: [fromJson(ValueSchema, hostile)] },
    any: anyPack(EverythingSchema, create(EverythingSchema, { struct: hostile as never })),
    structList: [hostile as never],
    valueList: [fromJson(ValueSchema, hostile)],
  }),
)

/** The places of a value that have the key, or another prototype than objects and lists have. */
function placesOf(value: unknown, place = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  const usual: unknown = Array.isArray(value) ? Array.prototype : Object.prototype
  const isUsual = Object.getPrototypeOf(value) === usual && !Object.hasOwn(value, '__proto__')
  const inside = Object.entries(value).flatMap(([name, entry]) => placesOf(entry, `${place}/${name}`))
  return isUsual ? inside : [place, ...inside]
}

test('no key of what is read is __proto__, in maps, structs, values and any', () => {
  const value = codecOf(EverythingSchema).decode(bytes)
  expect(placesOf(value)).toEqual([])
  expect(value).toMatchObject({
    byString: { a: 'b' },
    struct: tame,
    value: tame,
    listValue: [tame],
    structList: [tame],
  })
  expect(value).toMatchObject({ any: { struct: tame }, selvesByName: { a: { struct: tame } }, valueList: [tame] })
})

test.each([StructSchema, ValueSchema])('nor where the message itself is one: $typeName', (message) => {
  const value = codecOf(message).decode(toBinary(message, fromJson(message, hostile as never) as never))
  expect([placesOf(value), value]).toEqual([[], tame])
})

test.each<[string, object]>([
  ['byString', { byString: json('{"__proto__":"x"}') }],
  ['struct', { struct: hostile, structList: [hostile] }],
  ['value', { value: hostile, valueList: [hostile], listValue: [hostile] }],
  ['any', { any: { '@type': 'type.googleapis.com/corpus.v1.Everything', struct: hostile } }],
])('nor of what is written: %s', (_name, value) => {
  const written = codecOf(EverythingSchema).encode(value)
  expect(Buffer.from(written).includes('__proto__')).toBe(false)
})

test('nor of a Struct that is written whole', () => {
  expect(Buffer.from(codecOf(StructSchema).encode(hostile)).includes('__proto__')).toBe(false)
})
