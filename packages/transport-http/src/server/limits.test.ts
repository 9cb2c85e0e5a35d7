import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { echo, type Handle, hostOf, json, jsonOf, serve, succeed, talk } from '../http-transport.test-harness.ts'
import { httpTransport } from '../index.ts'
import { connectHttp2, identity, readReply } from '../tls/tls.test-harness.ts'

test('a head that does not come in time is answered 408', async () => {
  await using demo = await serve({}, { headersTimeoutMs: 50 })
  const said = await talk(demo.port, 'GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n')
  expect(said).toMatch(/^HTTP\/1.1 408 [^]*connection: close[^]*"reason":"request_timeout"/)
})

test('a body that does not come in time is answered 408', async () => {
  await using demo = await serve({}, { requestTimeoutMs: 50 })
  const head = 'POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n'
  expect(await talk(demo.port, `${head}{`)).toMatch(/^HTTP\/1.1 408 [^]*"reason":"request_timeout"/)
})

test('a body that does not come in time over HTTP/2 is answered 408', async () => {
  const tls = identity('demo')
  // Long enough for a handshake, which has no longer.
  await using demo = await serve({}, { tls, http2: true, requestTimeoutMs: 1000 })
  await using client = await connectHttp2(demo.port, tls.cert)
  const headers = { ':method': 'POST', ':path': '/v1/users', 'content-type': 'application/json' }
  const stream = client.session.request(headers)
  stream.write('{')
  expect(await readReply(stream)).toMatchObject({ status: 408 })
})

test.each([{ http2: false }, { http2: true }])(
  'a TLS handshake that does not come in time ends its connection ($http2)',
  async ({ http2 }) => {
    const tls = identity('demo')
    await using demo = await serve({}, { tls, http2, headersTimeoutMs: 50 })
    const silent = connect(demo.port, '127.0.0.1')
    await once(silent.resume(), 'close')
  },
)

test('a connection on which nothing is asked any more is closed', async () => {
  await using demo = await serve({}, { keepAliveTimeoutMs: 50 })
  const said = await talk(demo.port, 'GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\n')
  expect(said).toMatch(/^HTTP\/1.1 200 [^]*connection: keep-alive/i)
})

test('an HTTP/2 connection on which nothing is asked any more is closed', async () => {
  const tls = identity('demo')
  await using demo = await serve({}, { tls, http2: true, keepAliveTimeoutMs: 50 })
  await using client = await connectHttp2(demo.port, tls.cert)
  await once(client.session, 'close')
})

test('a header section over the limit is answered 431, and one that Node would refuse is taken where it is allowed', async () => {
  await using narrow = await serve({}, { headerLimitBytes: 2048 })
  const ask = (size: number) =>
    `GET /v1/users/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: ${'x'.repeat(size)}\r\n\r\n`
  expect(await talk(narrow.port, ask(3000))).toMatch(/^HTTP\/1.1 431 [^]*"reason":"headers_too_large"/)
  await using wide = await serve({}, { headerLimitBytes: 65_536 })
  expect(await talk(wide.port, ask(40_000))).toMatch(/^HTTP\/1.1 200 /)
})

test('a connection beyond the limit is closed without a reply, which is told once and at the end', async () => {
  const warned: object[] = []
  const host = hostOf({}, [])
  const log = { ...host.log, warn: (fields: object) => void warned.push(fields) }
  const server = httpTransport({ port: 0, connectionLimit: 1 }).bind({ ...host, log })
  await using _server = { [Symbol.asyncDispose]: () => server.close() }
  const [address] = await server.listen()
  const port = address?.port ?? 0
  const first = connect(port, '127.0.0.1')
  await once(first, 'connect')
  for (let turn = 0; turn < 2; turn += 1) {
    expect(await talk(port, 'GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\n').catch(() => '')).toBe('')
  }
  expect(warned).toEqual([{ connectionLimit: 1, droppedCount: 1 }])
  first.write('GET /v1/users/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(String((await once(first, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
  await server.close()
  expect(warned.slice(1)).toEqual([{ connectionLimit: 1, droppedCount: 1 }])
})

test('every route is below the prefix, and nothing else is', async () => {
  const cancel: Handle = (arrival) => succeed({ cancelled: arrival.decode() })
  const configure = (fastify: { get(path: string, handler: () => Promise<string>): unknown }) =>
    void fastify.get('/hook', async () => 'hook')
  await using demo = await serve({ cancelUser: cancel }, { pathPrefix: '/api/v2.shop', configure })
  const below = `${demo.url}/api/v2.shop`
  expect(await jsonOf(await fetch(`${below}/v1/users/a%2Fb`))).toEqual({ userId: 'a/b' })
  expect(await jsonOf(await fetch(`${below}/v1/users/1:cancel`, json({})))).toEqual({ cancelled: { userId: '1' } })
  const wrong = await fetch(`${below}/v1/users/1`, { method: 'DELETE' })
  expect([wrong.status, await jsonOf(wrong)]).toMatchObject([405, { instance: '/api/v2.shop/v1/users/1' }])
  expect((await fetch(`${demo.url}/v1/users/1`)).status).toBe(404)
  expect((await fetch(`${below}/hook`)).status).toBe(404)
  expect(await (await fetch(`${demo.url}/hook`)).text()).toBe('hook')
})

test.each([
  [undefined, /^127\.0\.0\.1:\d+$/, 'http'],
  [['10.0.0.0/8'], /^127\.0\.0\.1:\d+$/, 'http'],
  [['loopback'], /^10\.0\.0\.7$/, 'https'],
  [['127.0.0.1', '10.0.0.0/8'], /^192\.0\.2\.1$/, 'https'],
  [1, /^10\.0\.0\.7$/, 'https'],
  [2, /^192\.0\.2\.1$/, 'https'],
] as const)('with trustProxy %j the peer is %s', async (trustProxy, peer, protocol) => {
  const seen: unknown[] = []
  const look: Handle = (arrival) => {
    seen.push(arrival.peer)
    return echo(arrival)
  }
  const trust = trustProxy === undefined ? {} : { trustProxy }
  await using demo = await serve(
    { getUser: look },
    { ...trust, configure: (fastify) => void fastify.get('/how', async (request) => ({ how: request.protocol })) },
  )
  const headers = { 'x-forwarded-for': '198.51.100.9, 192.0.2.1, 10.0.0.7', 'x-forwarded-proto': 'https' }
  await fetch(`${demo.url}/v1/users/1`, { headers })
  expect(seen).toEqual([expect.stringMatching(peer)])
  expect(await jsonOf(await fetch(`${demo.url}/how`, { headers }))).toEqual({ how: protocol })
})
