import { createRegistry, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf'
import * as wkt from '@bufbuild/protobuf/wkt'
import { defineHandler, defineService } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { type Contract, contractInfo } from '@tenon/core/contract'
import { compileJsonWriter, compileSchema, type SchemaResult } from '@tenon/core/transport'
import { expect, onTestFinished, test } from 'vitest'
import { KnownService, RefusedService } from '../../fixture/gen/corpus/v1/known_pb.js'
import { grpcClient, grpcTransport } from '../index.ts'
import { toProtoService } from '../service/proto-service.ts'
import { protoContract } from './index.ts'

const known = protoContract(KnownService)
const textual = protoContract(KnownService, { int64: 'string' })

function outputOf(contract: Contract, name: string) {
  const info = contractInfo(contract)
  const at = info.operations.findIndex((operation) => operation.name === name)
  const [operation, method] = [info.operations[at], toProtoService(info).methods[at]]
  if (operation === undefined || method === undefined) throw new Error(`no operation ${name}`)
  return {
    codec: method.response,
    json: compileJsonWriter(operation.outputJsonSchema),
    read: (value: unknown) => compileSchema(operation.outputSchema).read(value) as SchemaResult,
  }
}

const any = { '@type': 'type.googleapis.com/google.protobuf.Duration', value: '1s' }

test.each<[name: string, message: DescMessage, json: JsonValue, value: unknown]>([
  ['echoStruct', wkt.StructSchema, { a: [1, null, { b: 'c' }] }, { a: [1, null, { b: 'c' }] }],
  ['echoStruct', wkt.StructSchema, {}, {}],
  ['echoEmpty', wkt.EmptySchema, {}, {}],
  ['getText', wkt.StringValueSchema, 'a', 'a'],
  ['getText', wkt.StringValueSchema, '', ''],
  ['getLong', wkt.Int64ValueSchema, '9007199254740993', 9_007_199_254_740_993n],
  ['getDouble', wkt.DoubleValueSchema, 1.5, 1.5],
  ['getDouble', wkt.DoubleValueSchema, 'NaN', 'NaN'],
  ['getFlag', wkt.BoolValueSchema, true, true],
  ['getData', wkt.BytesValueSchema, 'AQI=', Uint8Array.of(1, 2)],
  ['getTime', wkt.TimestampSchema, '2026-01-31T12:00:00.500Z', '2026-01-31T12:00:00.500Z'],
  ['getLength', wkt.DurationSchema, '1.500s', '1.500s'],
  ['getMask', wkt.FieldMaskSchema, 'a,bC', 'a,bC'],
  ['getValue', wkt.ValueSchema, [1, 'a', null], [1, 'a', null]],
  ['getValue', wkt.ValueSchema, null, null],
  ['getList', wkt.ListValueSchema, [1, { a: true }], [1, { a: true }]],
  ['getAny', wkt.AnySchema, any, any],
])('an output that is itself a well-known type is its JSON value: %s', (name, message, json, value) => {
  const { codec, read, json: write } = outputOf(known as Contract, name)
  const bytes = toBinary(message, fromJson(message, json, { registry: createRegistry(wkt.DurationSchema) }))
  expect(codec.decode(bytes)).toEqual(value)
  expect(new Uint8Array(codec.encode(value))).toEqual(bytes)
  expect(read(value)).toEqual({ ok: true, value })
  expect(JSON.parse(write(value))).toEqual(json)
})

test('an Int64Value as output is text where 64 bits are text', () => {
  const { codec, read } = outputOf(textual as Contract, 'getLong')
  expect(fromBinary(wkt.Int64ValueSchema, codec.encode('-7'))).toMatchObject({ value: -7n })
  expect(codec.decode(codec.encode('-7'))).toBe('-7')
  expect(read('-7').ok).toBe(true)
})

test.each<[string, unknown]>([
  ['getText', { value: 'a' }],
  ['getLong', 2n ** 63n],
  ['getTime', '2026-02-30T12:00:00Z'],
  ['getLength', '1'],
  ['getValue', Number.NaN],
  ['getList', {}],
  ['echoStruct', []],
])('an output of %s that does not fit is refused', (name, value) => {
  expect(outputOf(known as Contract, name).read(value).ok).toBe(false)
})

test('what bytes hold and ProtoJSON has no form for is refused as output', () => {
  const { codec, read } = outputOf(known as Contract, 'getValue')
  expect(read(codec.decode(new Uint8Array())).ok).toBe(false)
})

test.each<[string, string, RegExp]>([
  ['unary', 'PutText', /its request is google\.protobuf\.StringValue/],
  ['streamed', 'PutTimes', /its request is google\.protobuf\.Timestamp/],
])('an input that is itself a well-known type is refused by its method: %s', (_kind, name, message) => {
  // @ts-expect-error the types refuse it too
  const make = () => protoContract(RefusedService)
  expect(make).toThrow(message)
  expect(make).toThrow(
    new RegExp(`method corpus\\.v1\\.RefusedService\\.${name}: .*one object.*as a field.*\\[contract\\.schema\\]`),
  )
})

test('an input that is a Struct is no fault', () => {
  // @ts-expect-error the types refuse it too
  expect(() => protoContract(RefusedService)).not.toThrow(/PutStruct/)
})

test('handlers and clients have the values of the types over gRPC', async () => {
  const handler = defineHandler(known, () => ({
    echoStruct: async (given) => given,
    echoEmpty: async () => ({}),
    getText: async () => 'a',
    getLong: async () => 7n,
    getDouble: async () => 'Infinity' as const,
    getFlag: async () => true,
    getData: async () => Uint8Array.of(1),
    getTime: async () => '2026-01-31T12:00:00Z',
    getLength: async () => '1.500s',
    getMask: async () => 'a,bC',
    getValue: async () => [1],
    getList: async () => ['a'],
    getAny: async () => any,
    watchTexts: async function* () {
      yield 'a'
      yield ''
    },
    watchLongs: async function* () {
      yield 1n
      yield 0n
    },
  }))
  const started = await defineService({
    name: 'known',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 })],
    shutdownTimeoutMs: 100,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  onTestFinished(async () => void (await started.stop()))
  const address = `127.0.0.1:${started.addresses[0]?.port ?? 0}`
  const channel = grpcClient().open({ contract: contractInfo(known as Contract), address })
  onTestFinished(() => channel.close())
  const client = buildClient<typeof known>(known, channel)
  expect([await client.echoStruct({ a: [1] }), await client.echoEmpty({})]).toEqual([{ a: [1] }, {}])
  expect([await client.getText({}), await client.getLong({}), await client.getDouble({})]).toEqual([
    'a',
    7n,
    'Infinity',
  ])
  expect([await client.getFlag({}), await client.getData({})]).toEqual([true, Uint8Array.of(1)])
  expect([await client.getTime({}), await client.getLength({})]).toEqual(['2026-01-31T12:00:00Z', '1.500s'])
  expect([await client.getMask({}), await client.getValue({})]).toEqual(['a,bC', [1]])
  expect([await client.getList({}), await client.getAny({})]).toEqual([['a'], any])
  expect(await itemsOf(client.watchTexts({}))).toEqual(['a', ''])
  expect(await itemsOf(client.watchLongs({}))).toEqual([1n, 0n])
})

async function itemsOf<Item>(stream: AsyncIterable<Item>): Promise<readonly Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}
