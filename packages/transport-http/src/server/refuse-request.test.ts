import { once } from 'node:events'
import { connect as connectSecurely } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { type Contract, contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { afterEach, expect, test, vi } from 'vitest'
import { fail, serve, succeed, talk, users } from '../http-transport.test-harness.ts'
import { requestFault } from '../http-status.ts'
import { lingerMs } from '../reply/linger.ts'
import { ask, connectHttp2, identity, readReply } from '../tls/tls.test-harness.ts'

afterEach(() => void vi.useRealTimers())

const tls = identity('demo')
const get = (target: string, headers = 'host: x\r\n') => `GET ${target} HTTP/1.1\r\n${headers}\r\n`

test.each([
  ['without a host', get('/v1/users/1', 'x-request-id: abc\r\n'), 400, 'one host header, found 0'],
  ['with two hosts', get('/v1/users/1', 'host: a\r\nHOST: b\r\n'), 400, 'one host header, found 2'],
  ['with a fragment', get('/v1/users/1#top'), 400, 'fragment'],
  ['with a fragment in its query', get('/v1/users/1?a=b#top'), 400, 'fragment'],
  [
    'that expects what is unknown',
    get('/v1/users/1', 'host: x\r\nexpect: foo\r\n'),
    417,
    '"reason":"expectation_failed"',
  ],
  [
    'with another transfer coding',
    'POST /v1/users HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
    '"code":"unimplemented"',
  ],
  ['for a tunnel', 'CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\n\r\n', 501, 'CONNECT'],
])('a request %s is answered with a problem, and its connection closed', async (_what, bytes, status, holds) => {
  await using demo = await serve()
  const socket = connect({ port: demo.port, host: '127.0.0.1' }).setEncoding('utf8')
  socket.end(bytes)
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  expect(said.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  expect(said).toMatch(/content-type: application\/problem\+json/i)
  expect(said).toMatch(/connection: close/i)
  expect(said).toContain(holds)
  if (bytes.includes('abc')) expect(said).toMatch(/x-request-id: abc\r\n[^]*"callId":"abc"/)
})

test.each([
  ['bytes that are no request', 'no request\r\n\r\n', 400],
  ['a tunnel', 'CONNECT example.com:80 HTTP/1.1\r\nhost: x\r\n\r\n', 501],
])('a caller that is refused %s and keeps its side open is cut after a while', async (_what, bytes, status) => {
  const connected = Promise.withResolvers<Socket>()
  await using demo = await serve({}, { configure: ({ server }) => void server.once('connection', connected.resolve) })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const caller = connect({ port: demo.port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('utf8')
  caller.write(bytes)
  const [said] = (await once(caller, 'data')) as [string]
  expect(said.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  await once(caller, 'end')
  const socket = await connected.promise
  vi.advanceTimersByTime(lingerMs - 1)
  expect(socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(socket.destroyed).toBe(true)
  caller.destroy()
})

test.each([
  ['HTTP/1.0 without a host', 'GET /v1/users/1 HTTP/1.0\r\n\r\n'],
  ['HTTP/1.0 that expects something', 'GET /v1/users/1 HTTP/1.0\r\nexpect: foo\r\n\r\n'],
  ['an expectation in capitals', get('/v1/users/1', 'host: x\r\nconnection: close\r\nexpect: 100-Continue\r\n')],
  [
    'chunks in capitals',
    'POST /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n',
  ],
])('%s is served', async (_what, bytes) => {
  await using demo = await serve()
  expect(await talk(demo.port, bytes)).toMatch(/HTTP\/1.1 20[01] /)
})

test('what is unknown is refused over HTTP/2 too', async () => {
  await using demo = await serve({}, { tls, http2: true })
  await using client = await connectHttp2(demo.port, tls.cert)
  const { session } = client
  const problem = { 'content-type': 'application/problem+json; charset=utf-8' }
  expect(await ask(session, { ':path': '/v1/users/1', expect: 'foo' })).toMatchObject({ status: 417, headers: problem })
  expect(await ask(session, { ':path': '/v1/users/1#a' })).toMatchObject({ status: 400, headers: problem })
  const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'example.com:80' })
  expect(await readReply(tunnel)).toMatchObject({ status: 501, headers: problem })
  expect((await ask(session, { ':path': '/v1/users/1' })).status).toBe(200)
})

test.each([{ 'x-large': 'x'.repeat(5000) }, { ':path': `/v1/users/${'x'.repeat(5000)}` }])(
  'the first request of an HTTP/2 connection is answered 431 when its header list is over the limit: %#',
  async (headers) => {
    await using demo = await serve({}, { tls, http2: true, headerLimitBytes: 2048 })
    const session = connectSecurely(`https://localhost:${demo.port}`, { ca: tls.cert })
    const reply = await readReply(session.request({ ':path': '/v1/users/1', ...headers }))
    session.destroy()
    expect(reply.status).toBe(431)
    expect(JSON.parse(reply.text)).toMatchObject({ reason: 'headers_too_large' })
  },
)

test('a caller learns that it may have 100 requests open on a connection, and how large a header list may be', async () => {
  await using demo = await serve({}, { tls, http2: true, headerLimitBytes: 2048 })
  await using client = await connectHttp2(demo.port, tls.cert)
  expect(client.session.remoteSettings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 2048 })
})

test('a header counts its name, its value and 32 bytes', async () => {
  await using demo = await serve({}, { tls, http2: true, headerLimitBytes: 2048 })
  const session = connectSecurely(`https://localhost:${demo.port}`, { ca: tls.cert })
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x${index}`, 'y']))
  const reply = await readReply(session.request({ ':path': '/v1/users/1', ...many }))
  session.destroy()
  expect(reply.status).toBe(431)
})

const listId = Type.Object({ listId: Type.String() })
const lists = contract('demo.v1.Lists', {
  put: { input: listId, output: listId, http: 'POST /v1/lists/:listId' },
  add: { input: stream(listId), output: listId, http: 'POST /v1/lists/:listId:new/lines' },
}) as Contract

const chunked = 'host: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'

test.each([
  [404, `POST /nope HTTP/1.1\r\n${chunked}`],
  [405, `DELETE /v1/users/1 HTTP/1.1\r\n${chunked}`],
  // What the router takes for a parameter is another's verb, no verb at all, or nothing.
  [405, `PUT /v1/users/1:cancel HTTP/1.1\r\n${chunked}`],
  [405, `POST /v1/users/1:nope HTTP/1.1\r\n${chunked}`],
  [404, `PUT /v1/users/ HTTP/1.1\r\n${chunked}`],
  [404, `POST /v1/lists/ HTTP/1.1\r\n${chunked}`, lists],
  [404, `POST /v1/lists/7:nope/lines HTTP/1.1\r\n${chunked}`, lists],
])(
  'a request that nothing takes is answered %i before its body: %s',
  async (status, bytes, served = users as Contract) => {
    await using demo = await serve({}, {}, served)
    const socket = connect(demo.port, '127.0.0.1')
    socket.write(bytes)
    const [said] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(String(said).slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
  },
)

test.each([
  [404, '/nope', {}],
  [405, '/v1/users/1', { method: 'DELETE' }],
  [400, '/v1/users/%ZZ', {}],
  [415, '/v1/users', { method: 'POST', body: '{}', headers: { 'content-type': 'json' } }],
  [204, '/v1/users/1', { method: 'OPTIONS' }],
])('a reply %i to no call keeps the id of its request', async (status, path, init) => {
  await using demo = await serve()
  const headers = { ...('headers' in init && init.headers), 'x-request-id': 'mine-1' }
  const reply = await fetch(`${demo.url}${path}`, { ...init, headers })
  expect([reply.status, reply.headers.get('x-request-id')]).toEqual([status, 'mine-1'])
  if (status !== 204) expect(await reply.json()).toMatchObject({ callId: 'mine-1' })
})

test('an id that is no id is not told again', async () => {
  await using demo = await serve()
  const reply = await fetch(`${demo.url}/nope`, { headers: { 'x-request-id': 'a b' } })
  expect(reply.headers.has('x-request-id')).toBe(false)
})

test('a call whose reply cannot be written is answered and logged with its id', async () => {
  await using demo = await serve({ getUser: () => succeed({ n: 1n }) })
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, reply.headers.get('x-request-id')]).toEqual([500, 'call-1'])
  expect(await reply.json()).toMatchObject({ callId: 'call-1' })
  expect(demo.logged).toMatchObject([{ callId: 'call-1', url: '/v1/users/1' }])
})

test('a call that fails has its own id', async () => {
  await using demo = await serve({ getUser: () => fail(requestFault('version_required', 'which?')) })
  const reply = await fetch(`${demo.url}/v1/users/1`, { headers: { 'x-request-id': 'mine-1' } })
  expect(reply.headers.get('x-request-id')).toBe('call-1')
})
