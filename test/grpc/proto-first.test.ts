import { create, fromBinary, toBinary, toJson } from '@bufbuild/protobuf'
import { Client, credentials, type ServiceError as GrpcError, status } from '@grpc/grpc-js'
import { defineHandler, defineService, fault } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { type Contract, contractInfo, type Input } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { protoContract } from '@tenon/transport-grpc/proto'
import { httpClient, httpTransport } from '@tenon/transport-http'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CorpusService,
  EverythingSchema,
  GetItemRequestSchema,
  ItemSchema,
} from '../../packages/transport-grpc/fixture/gen/corpus/v1/corpus_pb.js'
import { Shade } from '../../packages/transport-grpc/fixture/gen/corpus/v1/shared_pb.js'
import { anyMessage } from '../../packages/transport-grpc/src/proto-first/arbitrary-message.test-harness.ts'

const corpus = protoContract(CorpusService, { operations: { getItem: { errors: ['not_found'] } } })
type Everything = Input<typeof corpus.echo>

/** A service from `.proto` files on both transports, and callers of each kind. */
async function start() {
  const seen: unknown[] = []
  const handler = defineHandler(corpus, () => ({
    echo: async (input) => {
      seen.push(input)
      return input
    },
    getItem: async ({ itemId, shade, shelfNo, weight, version, tags }) => {
      if (itemId === 'lost') throw fault(corpus.getItem, 'not_found', { message: 'no such item', reason: 'gone' })
      return { itemId, shade, note: `${shelfNo} ${weight} ${version} ${tags.join('|')}` }
    },
    putItem: async ({ itemId, item, dryRun }) => ({ ...item, itemId: `${itemId} ${dryRun}` }),
    dropItem: async () => ({}),
    touchItem: async ({ itemId, at }) => ({ itemId, ...(at === undefined ? {} : { note: at }) }),
    watchItems: async function* ({ itemId }) {
      yield { itemId, price: { units: 1n } }
      yield { itemId, price: { units: 2n } }
    },
    addItems: async (items) => {
      let count = 0
      for await (const { shade } of items) if (shade === 'SHADE_DARK') count += 1
      return { count }
    },
    exchangeItems: async function* (items) {
      for await (const { itemId } of items) yield { itemId: `${itemId}!` }
    },
  }))
  const started = await defineService({
    name: 'corpus',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [grpcTransport({ port: 0 }), httpTransport({ port: 0 })],
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const portOf = (name: string) => started.addresses.find(({ protocol }) => protocol.startsWith(name))?.port ?? 0
  const target = (port: number) => ({
    contract: contractInfo(corpus as Contract),
    address: `127.0.0.1:${port}`,
  })
  const channels = [grpcClient().open(target(portOf('grpc'))), httpClient().open(target(portOf('http')))] as const
  const plain = new Client(`127.0.0.1:${portOf('grpc')}`, credentials.createInsecure())
  return {
    seen,
    http: `http://127.0.0.1:${portOf('http')}`,
    overGrpc: buildClient(corpus, channels[0]),
    overHttp: buildClient(corpus, channels[1]),
    plain,
    [Symbol.asyncDispose]: async () => {
      plain.close()
      await Promise.all(channels.map((channel) => channel.close()))
      await started.stop()
    },
  }
}

const same = (bytes: Buffer): Buffer => bytes

/** A call of a client that knows nothing of Tenon. */
function call(client: Client, method: string, bytes: Uint8Array) {
  return new Promise<Uint8Array>((resolve, reject) => {
    client.makeUnaryRequest(`/corpus.v1.CorpusService/${method}`, same, same, Buffer.from(bytes), (error, answer) => {
      if (error) reject(error)
      else resolve(new Uint8Array(answer ?? []))
    })
  })
}

test('a handler sees the same of any message over gRPC, over HTTP and from a foreign client, and so do callers', async () => {
  await using demo = await start()
  await fc.assert(
    fc.asyncProperty(anyMessage(EverythingSchema, 1), async (message) => {
      const bytes = toBinary(EverythingSchema, message as never)
      demo.seen.length = 0
      const answer = await call(demo.plain, 'Echo', bytes)
      const [value] = demo.seen as [Everything]
      expect(fromBinary(EverythingSchema, answer)).toEqual(fromBinary(EverythingSchema, bytes))
      expect(await demo.overGrpc.echo(value)).toEqual(value)
      expect(unsigned(await demo.overHttp.echo(value))).toEqual(unsigned(value))
      expect(demo.seen.map(unsigned)).toEqual(Array(3).fill(unsigned(value)))
    }),
    { numRuns: 15 },
  )
}, 60_000)

test('a plain client speaks with the generated messages', async () => {
  await using demo = await start()
  const request = create(GetItemRequestSchema, {
    itemId: 'i-1',
    shade: Shade.LIGHT,
    tags: ['a', 'b'],
    version: 2n ** 63n,
  })
  const answer = fromBinary(ItemSchema, await call(demo.plain, 'GetItem', toBinary(GetItemRequestSchema, request)))
  expect(toJson(ItemSchema, answer)).toEqual({
    itemId: 'i-1',
    shade: 'SHADE_LIGHT',
    note: '0 0 9223372036854775808 a|b',
  })
  const lost = create(GetItemRequestSchema, { itemId: 'lost' })
  await expect(call(demo.plain, 'GetItem', toBinary(GetItemRequestSchema, lost))).rejects.toMatchObject({
    code: status.NOT_FOUND,
  } satisfies Partial<GrpcError>)
})

test('all four kinds of calls go through the typed client, with errors as they were thrown', async () => {
  await using demo = await start()
  const { overGrpc } = demo
  expect(await overGrpc.getItem({ itemId: 'i-1', shade: 7 })).toEqual({
    itemId: 'i-1',
    shade: 7,
    note: '0 0 0 ',
    oldName: '',
  })
  await expect(overGrpc.getItem({ itemId: 'lost' })).rejects.toMatchObject({ code: 'not_found', reason: 'gone' })
  const watched = []
  for await (const { price } of overGrpc.watchItems({ itemId: 'i' })) watched.push(price)
  expect(watched).toEqual([
    { currency: '', units: 1n, nanos: 0 },
    { currency: '', units: 2n, nanos: 0 },
  ])
  const items = [{ itemId: 'a', shade: 'SHADE_DARK' as const }, { itemId: 'b' }]
  expect(await overGrpc.addItems(items)).toEqual({ count: 1 })
  const exchanged = []
  for await (const { itemId } of overGrpc.exchangeItems(items)) exchanged.push(itemId)
  expect(exchanged).toEqual(['a!', 'b!'])
})

test('annotations are routes, whose fields are read from path, query and body', async () => {
  await using demo = await start()
  const ask = async (path: string, init: RequestInit = {}) => {
    const reply = await fetch(`${demo.http}${path}`, { headers: { 'content-type': 'application/json' }, ...init })
    return [reply.status, await reply.json()]
  }
  const query = 'shade=SHADE_DARK&weight=1.5&tags=a&tags=b&version=18446744073709551615'
  const note = '3 1.5 18446744073709551615 a|b'
  expect(await ask(`/v1/shelves/3/items/i-1?${query}`)).toEqual([200, { itemId: 'i-1', shade: 'SHADE_DARK', note }])
  expect(await ask('/v1/items/i-1?weight=NaN&shade=9')).toEqual([200, { itemId: 'i-1', shade: 9, note: '0 NaN 0 ' }])
  const item = { price: { units: '5' } }
  expect(await ask('/v1/items/i-2?dryRun=true', { method: 'PUT', body: JSON.stringify(item) })).toMatchObject([
    200,
    { itemId: 'i-2 true', price: { units: '5' } },
  ])
  expect(await ask('/v1/items/i-3:touch?at=2026-01-31T12:00:00.5Z', { method: 'POST' })).toEqual([
    200,
    { itemId: 'i-3', note: '2026-01-31T12:00:00.5Z' },
  ])
  expect(await ask('/v1/items/i-4', { method: 'DELETE' })).toEqual([200, {}])
})

test.each<[string, object, string]>([
  ['an unknown enum text', { shade: 'SHADE_LOST' }, '/shade'],
  ['an integer out of range', { int32One: 2 ** 31 }, '/int32One'],
  ['two members of a oneof', { self: { choiceText: 'a', choiceLong: '1' } }, '/self'],
])('HTTP refuses %s as invalid_argument that names the field', async (_name, body, field) => {
  await using demo = await start()
  const reply = await fetch(`${demo.http}/v1/corpus:echo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const problem = (await reply.json()) as { readonly errors: readonly { readonly field: string }[] }
  expect([reply.status, [...new Set(problem.errors.map((one) => one.field))]]).toEqual([400, [field]])
  expect(demo.seen).toEqual([])
})

test('gRPC refuses what has no JSON form as invalid_argument that names the field', async () => {
  await using demo = await start()
  const bytes = toBinary(
    EverythingSchema,
    create(EverythingSchema, {
      anyList: [{ $typeName: 'google.protobuf.Any', typeUrl: 'x/lost.v1.Lost', value: new Uint8Array() }],
    }),
  )
  await expect(call(demo.plain, 'Echo', bytes)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  const failure: unknown = await demo.overGrpc.echo({ choiceText: 'a', shade: 1 }).catch((error: unknown) => error)
  expect(ServiceError.is(failure) && failure.code).toBe('invalid_argument')
})

/** JSON has no zero with a sign. */
function unsigned(value: unknown): unknown {
  if (typeof value === 'number') return value + 0
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(unsigned)
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, unsigned(entry)]))
}
