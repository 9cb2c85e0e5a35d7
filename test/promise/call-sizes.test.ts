import { once } from 'node:events'
import { request as send } from 'node:http'
import {
  clientOf,
  defineConsumer,
  defineHandler,
  defineService,
  hook,
  Publisher,
  remote,
  type RemoteOptions,
} from '@tenon/core'
import type { Client } from '@tenon/core/client'
import { contract, event, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { eventually } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, type HttpOptions, httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'
import { connectHttp2, identity } from '../../packages/transport-http/src/tls/tls.test-harness.ts'

// How large calls are, as metrics have it, over real sockets.

const Word = Type.Object({ word: Type.String() })
const words = contract('sizes.word.v1.WordService', {
  echo: { input: Word, output: Word, http: 'POST /v1/echo' },
  show: { input: Type.Object({}), output: Word, idempotency: 'safe', http: 'GET /v1/word' },
  drop: { input: Type.Object({}), output: Type.Object({}), http: { route: 'DELETE /v1/word', status: 204 } },
  list: { input: Type.Object({}), output: stream(Word), http: 'GET /v1/words' },
  join: { input: stream(Word), output: Word, http: 'POST /v1/join' },
})
const long = 'a'.repeat(2_000)
const common = { version: '1.0.0', admin: false } as const
const environment = { LOG_LEVEL: 'silent' }

async function startWords(http: HttpOptions = {}) {
  const started = await defineService({
    ...common,
    name: 'word',
    handlers: [
      defineHandler(words, () => ({
        echo: async (input) => {
          if (input.word === 'no') throw new ServiceError('not_found', 'no such word')
          return input
        },
        show: async () => ({ word: long }),
        drop: async () => ({}),
        list: async function* () {
          for (const word of ['a', 'b', 'ü']) yield { word }
        },
        join: async (inputs) => {
          const found: string[] = []
          for await (const { word } of inputs) found.push(word)
          return { word: found.join('') }
        },
      })),
    ],
    transports: () => [httpTransport({ port: 0, ...http }), grpcTransport({ port: 0 })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return (protocol: string) => started.addresses.find((address) => address.protocol === protocol)?.port ?? 0
}

async function openClient(options: RemoteOptions<typeof words>): Promise<Client<typeof words>> {
  const { promise, resolve } = Promise.withResolvers<Client<typeof words>>()
  const started = await defineService({
    ...common,
    name: 'reader',
    handlers: [],
    providers: () => [remote(words, options)],
    onStart: [hook('open', (client) => resolve(client), { needs: [clientOf(words)] })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return await promise
}

async function* some(...items: readonly string[]) {
  for (const word of items) yield { word }
}

/** What a metric says of each route or method. */
function sizesOf({ totals }: ReturnType<typeof recordTelemetry>) {
  return async (name: string) => {
    const points = await totals(name)
    const named = points.map(({ value, attributes }) => [
      `${String(attributes['http.route'] ?? attributes['url.template'] ?? attributes['rpc.method'])}`.split('/').at(-1),
      value,
    ])
    return Object.fromEntries(named) as Readonly<Record<string, number>>
  }
}

const json = (word: string) => Buffer.byteLength(JSON.stringify({ word }))
const line = (word: string) => json(word) + 1
const tls = identity('words')

describe.each([
  ['HTTP/1.1', {}, {}],
  ['HTTP/2', { http2: true, tls }, { http2: true, tls: { ca: tls.cert } }],
] as const)('bodies over %s', (_protocol, http, options) => {
  test('are measured on both sides, of values and of streams', async () => {
    const recorded = recordTelemetry()
    const sizes = sizesOf(recorded)
    const portOf = await startWords(http)
    const client = await openClient({
      via: httpClient(options),
      at: `static:///localhost:${portOf('http') || portOf('https')}`,
    })
    await client.echo({ word: long })
    await client.show({})
    await client.drop({})
    for await (const _item of client.list({}));
    await client.join(some('b', 'c'))
    const requests = { echo: json(long), join: 1 + line('b') + line('c') }
    const replies = { echo: json(long), word: json(long), words: line('a') + line('b') + line('ü'), join: json('bc') }
    expect(await sizes('http.client.request.body.size')).toEqual(requests)
    expect(await sizes('http.client.response.body.size')).toEqual(replies)
    await eventually(async () => expect(await sizes('http.server.response.body.size')).toEqual(replies))
    expect(await sizes('http.server.request.body.size')).toEqual(requests)
  })

  test('are none of a reply to HEAD', async () => {
    const recorded = recordTelemetry()
    const sizes = sizesOf(recorded)
    const portOf = await startWords(http)
    const port = portOf('http') || portOf('https')
    expect(await ('tls' in http ? headOverHttp2(port) : head(port))).toBe(200)
    await eventually(async () =>
      expect((await recorded.points('http.server.request.duration')).map(({ value }) => value)).toEqual([1]),
    )
    const client = await openClient({ via: httpClient(options), at: `static:///localhost:${port}` })
    await client.echo({ word: 'b' })
    await eventually(async () => expect(await sizes('http.server.response.body.size')).toEqual({ echo: json('b') }))
  })
})

async function head(port: number): Promise<number> {
  return (await fetch(`http://localhost:${port}/v1/word`, { method: 'HEAD' })).status
}

async function headOverHttp2(port: number): Promise<unknown> {
  await using connection = await connectHttp2(port, tls.cert)
  const asked = connection.session.request({ ':method': 'HEAD', ':path': '/v1/word' })
  const status = new Promise((resolve) => asked.once('response', (headers) => resolve(headers[':status'])))
  asked.resume()
  await once(asked, 'close')
  return await status
}

test('a reply that is compressed has the size of what is sent', async () => {
  const recorded = recordTelemetry()
  const port = (await startWords({ compression: true }))('http')
  const received = await new Promise<number>((resolve, reject) => {
    const asked = send({ port, path: '/v1/word', headers: { 'accept-encoding': 'gzip' } }, (answer) => {
      let byteCount = 0
      answer.on('data', (chunk: Buffer) => (byteCount += chunk.length)).on('end', () => resolve(byteCount))
    })
    asked.on('error', reject).end()
  })
  expect(received).toBeLessThan(500)
  const sizes = sizesOf(recorded)
  await eventually(async () => expect(await sizes('http.server.response.body.size')).toEqual({ word: received }))
})

test('a body that failed has its size and its status', async () => {
  const { totals } = recordTelemetry()
  const port = (await startWords())('http')
  const reply = await fetch(`http://127.0.0.1:${port}/v1/echo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"word":"no"}',
  })
  const value = Buffer.byteLength(await reply.text())
  const attributes = {
    'http.request.method': 'POST',
    'http.route': '/v1/echo',
    'url.scheme': 'http',
    'http.response.status_code': 404,
  }
  await eventually(async () => expect(await totals('http.server.response.body.size')).toEqual([{ value, attributes }]))
  expect(await totals('http.server.request.body.size')).toEqual([{ value: 13, attributes }])
})

test('messages over gRPC are measured on both sides, those of a stream together', async () => {
  const recorded = recordTelemetry()
  const sizes = sizesOf(recorded)
  const port = (await startWords())('grpc')
  const client = await openClient({ via: grpcClient(), at: `static:///127.0.0.1:${port}` })
  await client.echo({ word: long })
  for await (const _item of client.list({}));
  await client.join(some('b', 'c'))
  // A tag, the length, and the text. @see Protocol Buffers: encoding
  const [ofLong, ofShort] = [1 + 2 + 2_000, 3]
  const requests = { Echo: ofLong, List: 0, Join: 2 * ofShort }
  const replies = { Echo: ofLong, List: 3 * ofShort + 1, Join: ofShort + 1 }
  expect(await sizes('tenon.rpc.client.request.size')).toEqual(requests)
  expect(await sizes('tenon.rpc.client.response.size')).toEqual(replies)
  await eventually(async () => expect(await sizes('tenon.rpc.server.response.size')).toEqual(replies))
  expect(await sizes('tenon.rpc.server.request.size')).toEqual(requests)
})

test.each([
  ['by itself', undefined, 2],
  ['with another', { maxCount: 2, maxWaitMs: 60_000 }, 1],
] as const)('a message that is handled %s has the size of its body', async (_how, batch, callCount) => {
  const { totals, points } = recordTelemetry()
  const said = event('sizes.word.said.v1', { key: 'word', payload: Word })
  const publisher = Promise.withResolvers<Publisher>()
  const nothing = () => async () => undefined
  const started = await defineService({
    ...common,
    name: 'said',
    handlers: [batch === undefined ? defineConsumer(said, nothing) : defineConsumer(said, nothing, { batch })],
    onStart: [hook('find', (given) => publisher.resolve(given), { needs: [Publisher] })],
    transports: () => [queueTransport({ driver: memoryDriver({ broker: memoryBroker() }), partitionCount: 1 })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  const to = await publisher.promise
  for (const word of ['cc', 'b']) await to.publish(said, { word })
  const value = json('cc') + json('b')
  const topic = { 'messaging.system.name': 'memory', 'messaging.destination.name': 'sizes.word.said.v1' }
  const operation = (name: string) => ({ 'messaging.operation.name': name, 'messaging.operation.type': name })
  const sent = { ...topic, ...operation('send') }
  expect(await totals('tenon.messaging.send.body.size')).toEqual([{ value, attributes: sent }])
  const handled = { ...topic, ...operation('process'), 'messaging.consumer.group.name': 'said' }
  await eventually(async () =>
    expect(await totals('tenon.messaging.process.body.size')).toEqual([{ value, attributes: handled }]),
  )
  expect(await points('tenon.messaging.process.body.size')).toMatchObject([{ value: callCount }])
})
