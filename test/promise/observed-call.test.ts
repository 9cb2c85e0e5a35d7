import {
  clientOf,
  defineHandler,
  defineSchedule,
  defineService,
  every,
  hook,
  inject,
  remote,
  type RemoteOptions,
} from '@tenon/core'
import type { Client } from '@tenon/core/client'
import { contract, stream } from '@tenon/core/contract'
import { ServiceError } from '@tenon/core/transport'
import { eventually, testService } from '@tenon/testing'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { describe, expect, onTestFinished, test } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'

// What OpenTelemetry is told of calls over real HTTP and gRPC, by the semantic conventions.

const Note = Type.Object({ noteId: Type.String(), word: Type.Optional(Type.String()) })
const notes = contract('observed.note.v1.NoteService', {
  getNote: { input: Note, output: Note, idempotency: 'safe', http: 'GET /v1/notes/:noteId' },
  watchNotes: { input: Note, output: stream(Note), http: 'GET /v1/notes/:noteId/changes' },
})
const common = { version: '1.0.0', admin: false } as const
const environment = { LOG_LEVEL: 'silent' }

async function startNotes(handle: () => void = () => undefined, pathPrefix = '') {
  const started = await defineService({
    ...common,
    name: 'note',
    handlers: [
      defineHandler(notes, () => ({
        getNote: async (note) => {
          handle()
          return note
        },
        watchNotes: async function* ({ noteId }) {
          for (const word of ['a', 'b', 'c']) yield { noteId, word }
          handle()
        },
      })),
    ],
    transports: () => [httpTransport({ port: 0, pathPrefix }), grpcTransport({ port: 0 })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return (protocol: string) => started.addresses.find((address) => address.protocol === protocol)?.port ?? 0
}

/** The client of a service that calls it. */
async function openClient(options: RemoteOptions<typeof notes>): Promise<Client<typeof notes>> {
  const { promise, resolve } = Promise.withResolvers<Client<typeof notes>>()
  const started = await defineService({
    ...common,
    name: 'reader',
    handlers: [],
    providers: () => [remote(notes, options)],
    onStart: [hook('open', (client) => resolve(client), { needs: [clientOf(notes)] })],
  }).start({ environment })
  onTestFinished(async () => void (await started.stop()))
  return await promise
}

const fails = (code: 'not_found' | 'unavailable') => () => {
  throw new ServiceError(code, 'no')
}

describe('a request over HTTP', () => {
  test('is told of by its route, and of its path and query without their values', async () => {
    const { spans, points } = recordTelemetry()
    const port = (await startNotes(undefined, '/api'))('http')
    const headers = { 'user-agent': 'curl/8', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
    await fetch(`http://127.0.0.1:${port}/api/v1/notes/n1?word=s3cret`, { headers })
    const [span] = spans()
    expect(span).toMatchObject({ name: 'GET /api/v1/notes/:noteId', kind: 'SERVER', traceId: 'a'.repeat(32) })
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/api/v1/notes/:noteId',
      'url.scheme': 'http',
      'url.path': '/api/v1/notes/n1',
      'url.query': 'word=REDACTED',
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
      'server.address': '127.0.0.1',
      'server.port': port,
      'user_agent.original': 'curl/8',
      'client.address': '127.0.0.1',
    })
    const known = { 'http.request.method': 'GET', 'url.scheme': 'http' }
    const attributes = { ...known, 'http.route': '/api/v1/notes/:noteId', 'http.response.status_code': 200 }
    expect(await points('http.server.request.duration')).toEqual([{ value: 1, attributes }])
    expect(await points('http.server.active_requests')).toEqual([{ value: 0, attributes: known }])
  })

  test('is an error of the server from status 500 on', async () => {
    const { spans } = recordTelemetry()
    const codes = ['not_found', 'unavailable'] as const
    let next = 0
    const port = (await startNotes(() => fails(codes[next++] ?? 'unavailable')()))('http')
    for (const _code of codes) await fetch(`http://127.0.0.1:${port}/v1/notes/n1`)
    expect(
      spans().map(({ status, attributes }) => [
        status,
        attributes['http.response.status_code'],
        attributes['error.type'],
      ]),
    ).toEqual([
      ['UNSET', 404, undefined],
      ['ERROR', 503, 'unavailable'],
    ])
  })

  test('makes no series of its own, whatever path, query and texts it has', async () => {
    const { points } = recordTelemetry()
    const port = (await startNotes(fails('not_found')))('http')
    for (let index = 0; index < 20; index += 1) {
      await fetch(`http://127.0.0.1:${port}/v1/notes/${index}?word=${index}`, { headers: { 'x-own': `${index}` } })
      await fetch(`http://127.0.0.1:${port}/unknown/${index}`)
    }
    expect((await points('http.server.request.duration')).map(({ value }) => value)).toEqual([20])
    expect(await points('http.server.active_requests')).toHaveLength(1)
  })

  test('of a client has a span by its template, under which the server has its own', async () => {
    const { spans, points } = recordTelemetry()
    const port = (await startNotes(fails('not_found'), '/api'))('http')
    const client = await openClient({ via: httpClient(), at: `http://127.0.0.1:${port}/api` })
    await expect(client.getNote({ noteId: 'n1', word: 's3cret' })).rejects.toMatchObject({ code: 'not_found' })
    const [server, attempt] = spans()
    const name = 'GET /api/v1/notes/:noteId'
    expect(server?.parent).toBe(name)
    expect(attempt).toMatchObject({ name, kind: 'CLIENT', parent: undefined, status: 'ERROR' })
    const told = {
      'http.request.method': 'GET',
      'url.template': '/api/v1/notes/:noteId',
      'server.address': '127.0.0.1',
      'server.port': port,
      'http.response.status_code': 404,
      'error.type': 'not_found',
    }
    expect(attempt?.attributes).toEqual({
      ...told,
      'url.full': `http://127.0.0.1:${port}/api/v1/notes/n1?word=REDACTED`,
    })
    expect(await points('http.client.request.duration')).toEqual([{ value: 1, attributes: told }])
  })
})

describe('a call over gRPC', () => {
  test('is told of by its method and its status, on both sides', async () => {
    const { spans, points } = recordTelemetry()
    const port = (await startNotes(fails('not_found')))('grpc')
    const client = await openClient({ via: grpcClient(), at: `static:///127.0.0.1:${port}` })
    await expect(client.getNote({ noteId: 'n1' })).rejects.toMatchObject({ code: 'not_found' })
    const [server, attempt] = spans()
    const method = 'observed.note.v1.NoteService/GetNote'
    const told = { 'rpc.system.name': 'grpc', 'rpc.method': method, 'rpc.status_code': 'NOT_FOUND' }
    const where = { 'server.address': '127.0.0.1', 'server.port': port }
    expect(server).toMatchObject({ name: method, kind: 'SERVER', parent: method, status: 'UNSET' })
    expect(server?.attributes).toEqual({
      ...told,
      'network.peer.address': '127.0.0.1',
      'network.peer.port': expect.any(Number) as number,
    })
    expect(attempt).toMatchObject({ name: method, kind: 'CLIENT', parent: undefined, status: 'ERROR' })
    expect(attempt?.attributes).toEqual({ ...told, ...where, 'error.type': 'not_found' })
    expect(await points('rpc.server.call.duration')).toEqual([{ value: 1, attributes: told }])
    expect(await points('rpc.client.call.duration')).toEqual([{ value: 1, attributes: attempt?.attributes }])
    const active = { 'tenon.call.transport': 'grpc', 'tenon.call.operation': method }
    expect(await points('tenon.server.active_calls')).toEqual([{ value: 0, attributes: active }])
  })
})

describe.each([
  ['http', httpClient()],
  ['grpc', grpcClient()],
] as const)('a stream over %s', (protocol, via) => {
  test('has spans until it has ended, and says so when its reader leaves', async () => {
    const { spans } = recordTelemetry()
    const port = (await startNotes())(protocol)
    const client = await openClient({ via, at: `static:///127.0.0.1:${port}` })
    let itemCount = 0
    for await (const _item of client.watchNotes({ noteId: 'n1' })) itemCount += 1
    expect(itemCount).toBe(3)
    await eventually(() => expect(spans()).toHaveLength(2))
    expect(spans().map(({ status }) => status)).toEqual(['UNSET', 'UNSET'])
    for await (const _item of client.watchNotes({ noteId: 'n1' })) break
    await eventually(() => expect(spans()).toHaveLength(4))
    const left = spans().find(({ attributes }) => attributes['error.type'] === 'cancelled')
    expect(left).toMatchObject({ kind: 'CLIENT', parent: undefined })
  })
})

describe.each(['grpc', 'http'] as const)('a stream over %s whose reader asks for no more', (protocol) => {
  const overOf = (port: number) =>
    protocol === 'grpc'
      ? { via: grpcClient(), at: `static:///127.0.0.1:${port}` }
      : { via: httpClient(), at: `http://127.0.0.1:${port}` }

  test.each<[string, (signal: AbortSignal) => object]>([
    ['deadline_exceeded', () => ({ timeoutMs: 500 })],
    ['cancelled', (signal) => ({ signal })],
  ])('ends its spans when it is over: %s', async (code, optionsOf) => {
    const { spans } = recordTelemetry()
    const port = (await startNotes())(protocol)
    const client = await openClient({ ...overOf(port), policy: { retry: {} } })
    const leaving = new AbortController()
    const items = client.watchNotes({ noteId: 'n1' }, optionsOf(leaving.signal))[Symbol.asyncIterator]()
    await items.next()
    leaving.abort()
    const told = () => spans().map(({ kind, attributes }) => `${kind} ${String(attributes['error.type'])}`)
    await eventually(() => expect(told()).toEqual(expect.arrayContaining([`CLIENT ${code}`, `INTERNAL ${code}`])))
  })
})

describe('a call with a policy', () => {
  test('has a span of its own, and one for each attempt, which a server takes up', async () => {
    const { spans } = recordTelemetry()
    let failureCount = 2
    const port = (
      await startNotes(() => {
        failureCount -= 1
        if (failureCount >= 0) fails('unavailable')()
      })
    )('grpc')
    const policy = { retry: { initialDelayMs: 0, maxDelayMs: 0 } }
    const client = await openClient({ via: grpcClient(), at: `static:///127.0.0.1:${port}`, policy })
    await client.getNote({ noteId: 'n1' })
    const found = spans().map(({ name, kind, parent, status }) => [kind, name, parent, status].join(' '))
    const method = 'observed.note.v1.NoteService/GetNote'
    const logical = 'observed.note.v1.NoteService/getNote'
    expect(found).toEqual([
      `SERVER ${method} ${method} ERROR`,
      `CLIENT ${method} ${logical} ERROR`,
      `SERVER ${method} ${method} ERROR`,
      `CLIENT ${method} ${logical} ERROR`,
      `SERVER ${method} ${method} UNSET`,
      `CLIENT ${method} ${logical} UNSET`,
      `INTERNAL ${logical}  UNSET`,
    ])
    expect(new Set(spans().map(({ traceId }) => traceId)).size).toBe(1)
  })

  test('whose instances come and go has no series for each of them', async () => {
    const { spans, points } = recordTelemetry()
    const port = (await startNotes())('grpc')
    const client = await openClient({ via: grpcClient(), at: `static:///127.0.0.1:${port},localhost:${port}` })
    for (let index = 0; index < 20; index += 1) await client.getNote({ noteId: 'n1' })
    expect((await points('rpc.client.call.duration')).map(({ value }) => value)).toEqual([20])
    expect(new Set(spans().map(({ attributes }) => attributes['server.address'])).size).toBeGreaterThan(1)
  })
})

test('a run of a schedule is the root of a trace', async () => {
  const { spans } = recordTelemetry()
  const port = (await startNotes())('grpc')
  const reading = defineService({
    name: 'reader',
    version: '1.0.0',
    providers: () => [remote(notes, { via: grpcClient(), at: `static:///127.0.0.1:${port}` })],
    handlers: [
      defineSchedule('read', every('1 m'), () => {
        const client = inject(clientOf(notes))
        return async () => void (await client.getNote({ noteId: 'n1' }))
      }),
    ],
  })
  await using service = await testService(reading, {})
  await service.runSchedule('read')
  const run = spans().at(-1)
  expect(run).toMatchObject({ name: 'schedule read', kind: 'INTERNAL', parent: undefined, status: 'UNSET' })
  expect(run?.attributes).toEqual({ 'tenon.schedule.name': 'read' })
})
