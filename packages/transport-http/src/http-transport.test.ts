import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type Contract, contract, contractInfo } from '@tenon/core/contract'
import { type Arrival, ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import {
  echo,
  fail,
  type Handle,
  hostOf,
  json,
  jsonOf,
  serve,
  succeed,
  talk,
  users,
} from './http-transport.test-harness.ts'
import { httpTransport } from './index.ts'

const order = Type.Object({ orderId: Type.String() })

test('it carries the operations that have a route', () => {
  const transport = httpTransport()
  expect(transport.name).toBe('http')
  const carried = contractInfo(users as Contract).operations.filter((operation) => transport.carries(operation))
  expect(carried.map(({ name }) => name)).toEqual(['getUser', 'putUser', 'createUser', 'cancelUser', 'watchUsers'])
})

test('a reply is the JSON of the output, with the status of the route and the headers of the handler', async () => {
  const headers = { etag: '"1"', 'content-length': '3', connection: 'x' }
  await using demo = await serve({ createUser: () => succeed({ userId: 'ü' }, headers) })
  const reply = await fetch(`${demo.url}/v1/users`, json({}))
  expect(reply.status).toBe(201)
  expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(reply.headers.get('etag')).toBe('"1"')
  expect(await jsonOf(reply)).toEqual({ userId: 'ü' })
})

test('an output that is undefined is 204 without content, unless the route names another status', async () => {
  await using demo = await serve({ getUser: () => succeed(undefined), createUser: () => succeed(undefined) })
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, await reply.text()]).toEqual([204, ''])
  const created = await fetch(`${demo.url}/v1/users`, json({}))
  expect([created.status, await created.text()]).toEqual([201, ''])
})

test('a path parameter arrives decoded, also with a slash or a colon in it', async () => {
  await using demo = await serve()
  for (const value of ['42', 'a/b', 'a:b', 'a:cancel', '100%', '%41', 'ü ?#', 'x'.repeat(2000)]) {
    const reply = await fetch(`${demo.url}/v1/users/${encodeURIComponent(value)}`)
    expect(await jsonOf(reply)).toEqual({ userId: value })
  }
})

test('custom verbs are told from values, however these are encoded', async () => {
  await using demo = await serve({ cancelUser: (arrival) => succeed({ cancel: arrival.decode() }) })
  const post = async (path: string, method = 'POST') => fetch(`${demo.url}${path}`, { method })
  expect(await jsonOf(await post('/v1/users/1:cancel'))).toEqual({ cancel: { userId: '1' } })
  expect(await jsonOf(await post('/v1/users/a%3Ab%2Fc:cancel?x=1'))).toEqual({ cancel: { userId: 'a:b/c' } })
  for (const method of ['PUT', 'GET', 'DELETE']) {
    const wrong = await post('/v1/users/1:cancel', method)
    expect([method, wrong.status, wrong.headers.get('allow')]).toEqual([method, 405, 'OPTIONS, POST'])
  }
  expect(await jsonOf(await post('/v1/users/1%3Acancel', 'PUT'))).toEqual({ userId: '1:cancel' })
  expect(await jsonOf(await post('/v1/users/1:archive', 'PUT'))).toEqual({ userId: '1:archive' })
  const encoded = await post('/v1/users/1%3Acancel')
  expect([encoded.status, encoded.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PUT'])
  const other = await post('/v1/users/1:archive')
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS, PUT'])
})

test('nothing is no value of a path parameter', async () => {
  const orders = contract('demo.v1.Orders', {
    getOrder: { input: order, output: order, http: 'GET /v1/orders/:orderId' },
    getItem: { input: order, output: order, http: 'GET /v1/orders/:orderId/items' },
  })
  await using demo = await serve({}, {}, orders as Contract)
  for (const path of ['/v1/orders/', '/v1/orders//items', '/v1/orders/1/items/', '/v1/users/']) {
    const reply = await fetch(`${demo.url}${path}`)
    expect([path, reply.status, await jsonOf(reply)]).toMatchObject([path, 404, { reason: 'route_not_found' }])
  }
  expect((await fetch(`${demo.url}/v1/orders/%20`)).status).toBe(200)
})

test('a fixed verb and a parameter of the same path coexist', async () => {
  await using demo = await serve({ watchUsers: () => succeed((async function* () {})()) })
  expect((await fetch(`${demo.url}/v1/users:watch`)).headers.get('content-type')).toContain('ndjson')
  expect((await fetch(`${demo.url}/v1/users%3Awatch`)).status).toBe(404)
})

test('HEAD answers as GET does, without the body', async () => {
  await using demo = await serve()
  const head = await fetch(`${demo.url}/v1/users/1`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '14', ''])
  expect((await fetch(`${demo.url}/v1/users`, { method: 'HEAD' })).status).toBe(405)
})

test('a failed call is a problem document', async () => {
  const violations = [{ field: '/userId', message: 'must be a uuid', rule: 'format' }]
  const details = { violations, retryDelayMs: 1500, sku: 'A' }
  const cause = new Error('secret')
  const error = new ServiceError('resource_exhausted', 'too much', { reason: 'quota', details, cause })
  await using demo = await serve({ getUser: () => fail(error) })
  const reply = await fetch(`${demo.url}/v1/users/1?token=secret`)
  expect(reply.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(reply.headers.get('retry-after')).toBe('2')
  expect(await jsonOf(reply)).toEqual({
    type: 'about:blank',
    title: 'Too Many Requests',
    status: 429,
    detail: 'too much',
    instance: '/v1/users/1',
    code: 'resource_exhausted',
    reason: 'quota',
    errors: violations,
    callId: 'call-1',
    details: { retryDelayMs: 1500, sku: 'A' },
  })
})

test('401 names a scheme', async () => {
  await using demo = await serve({ getUser: () => fail(new ServiceError('unauthenticated', 'who are you')) })
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
})

test('401 says of a token that was shown that it is not valid', async () => {
  const refused = new ServiceError('unauthenticated', 'the credential is not valid', { reason: 'invalid_token' })
  await using demo = await serve({ getUser: () => fail(refused) })
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
})

test('nothing is decoded before the operation asks for it', async () => {
  await using demo = await serve({ putUser: () => fail(new ServiceError('permission_denied', 'no')) })
  const bad = { method: 'PUT', body: '{', headers: { 'content-type': 'text/plain', 'x-request-timeout-ms': 'soon' } }
  expect((await fetch(`${demo.url}/v1/users/1`, bad)).status).toBe(403)
})

test('what cannot be decoded is a problem with a reason, or names the field', async () => {
  await using demo = await serve()
  const put = async (body: string, type = 'application/json') =>
    fetch(`${demo.url}/v1/users/1`, { method: 'PUT', body, headers: { 'content-type': type } })
  const invalid = await put('{')
  const problem = await jsonOf(invalid)
  expect([invalid.status, problem]).toMatchObject([
    400,
    { code: 'invalid_argument', reason: 'undecodable', detail: 'the body is not JSON' },
  ])
  expect(problem).not.toHaveProperty('errors')
  const elsewhere = await put('{"userId":"2"}')
  expect([elsewhere.status, await jsonOf(elsewhere)]).toMatchObject([400, { errors: [{ field: '/userId' }] }])
  const text = await put('{}', 'text/plain')
  expect([text.status, await jsonOf(text)]).toMatchObject([
    415,
    { code: 'invalid_argument', reason: 'unsupported_media_type' },
  ])
  expect((await put('{}', 'nonsense')).status).toBe(415)
  expect((await put('')).status).toBe(200)
})

test('requests that reach no operation are problems too', async () => {
  await using demo = await serve()
  const statusAndProblem = async (path: string, init?: RequestInit) => {
    const reply = await fetch(`${demo.url}${path}`, init)
    expect(reply.headers.get('content-type')).toContain('application/problem+json')
    return [reply.status, await jsonOf(reply)]
  }
  expect(await statusAndProblem('/nope?x=1')).toMatchObject([
    404,
    { code: 'not_found', reason: 'route_not_found', instance: '/nope' },
  ])
  const post = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
  expect(await statusAndProblem('/nope', post)).toMatchObject([404, { reason: 'route_not_found' }])
  const nonsense = { ...post, headers: { 'content-type': 'nonsense' } }
  expect(await statusAndProblem('/nope', nonsense)).toMatchObject([404, { reason: 'route_not_found' }])
  expect(await statusAndProblem('/v1/users/1', { method: 'DELETE' })).toMatchObject([
    405,
    { code: 'unimplemented', reason: 'method_not_allowed' },
  ])
  expect(await statusAndProblem('/v1/users/%ZZ')).toMatchObject([
    400,
    { code: 'invalid_argument', reason: 'malformed_request' },
  ])
})

test('a body over the limit is 413, declared or not', async () => {
  await using demo = await serve({}, { bodyLimitBytes: 10 })
  const reply = await fetch(`${demo.url}/v1/users`, json({ name: 'a long name' }))
  expect([reply.status, await jsonOf(reply)]).toMatchObject([
    413,
    { code: 'resource_exhausted', reason: 'body_too_large', detail: 'the body must be at most 10 bytes' },
  ])
  expect(reply.headers.get('retry-after')).toBeNull()
  const chunked =
    'POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n'
  const said = await talk(demo.port, `${chunked}ff\r\n${'x'.repeat(255)}\r\n0\r\n\r\n`)
  expect(said).toMatch(/^HTTP\/1.1 413 [^]*"reason":"body_too_large"/)
})

test('a body of more than a mebibyte is answered 413 while the caller still writes', async () => {
  await using demo = await serve()
  const reply = await fetch(`${demo.url}/v1/users`, json('x'.repeat(4_000_000)))
  expect(reply.status).toBe(413)
})

test('bytes that are no request are answered with a problem', async () => {
  await using demo = await serve()
  expect(await talk(demo.port, 'nonsense\r\n\r\n')).toMatch(
    /^HTTP\/1.1 400 Bad Request\r\n[^]*connection: close\r\n[^]*"reason":"malformed_request"/,
  )
  const header = `GET /v1/users/1 HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`
  expect(await talk(demo.port, header)).toMatch(/^HTTP\/1.1 431 [^]*"reason":"headers_too_large"/)
  const target = `GET /v1/users/${'x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`
  expect(await talk(demo.port, target)).toMatch(/^HTTP\/1.1 414 [^]*"reason":"uri_too_long"/)
  const both = `GET /v1/users/${'x'.repeat(9_000)} HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(9_000)}\r\n\r\n`
  expect(await talk(demo.port, both)).toMatch(/^HTTP\/1.1 431 /)
  await using small = await serve({}, { headerLimitBytes: 2_048 })
  const short = `GET /v1/users/${'x'.repeat(3_000)} HTTP/1.1\r\nhost: x\r\n\r\n`
  expect(await talk(small.port, short)).toMatch(/^HTTP\/1.1 414 /)
})

test('a body that is not framed as it should be is answered with a problem', async () => {
  await using demo = await serve()
  const chunked = 'POST /v1/users HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'
  expect(await talk(demo.port, chunked)).toMatch(/^HTTP\/1.1 400 [^]*"reason":"malformed_request"/)
})

test('bytes that are no request do not become part of a reply that is under way', async () => {
  const endless = async function* () {
    yield 1
    await new Promise(() => undefined)
  }
  await using demo = await serve({ watchUsers: () => succeed(endless()) })
  const socket = connect(demo.port, '127.0.0.1').setEncoding('utf8')
  socket.write('GET /v1/users:watch HTTP/1.1\r\nhost: x\r\n\r\n')
  let said = ''
  socket.on('data', (chunk) => {
    said += String(chunk)
    if (said.includes('1\n')) socket.write('nonsense\r\n\r\n')
  })
  await once(socket, 'close')
  expect(said).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*1\n\r\n$/)
})

test('the dispatcher learns of metadata, peer and the time the caller is willing to wait', async () => {
  const seen: unknown[] = []
  const look: Handle = (arrival) => {
    seen.push([arrival.transport, arrival.metadata['x-one'], arrival.timeoutMs, arrival.peer])
    return echo(arrival)
  }
  await using demo = await serve({ getUser: look }, { maxTimeoutMs: 5000 })
  const ask = async (headers: Record<string, string>) => fetch(`${demo.url}/v1/users/1`, { headers })
  await ask({ 'x-one': '1' })
  await ask({ 'x-request-timeout-ms': '250' })
  await ask({ 'x-request-timeout-ms': '86400000' })
  const peer = expect.stringMatching(/^127\.0\.0\.1:\d+$/)
  expect(seen).toEqual([
    ['http', '1', undefined, peer],
    ['http', undefined, 250, peer],
    ['http', undefined, 5000, peer],
  ])
  for (const text of ['0', '-1', '1.5', '1e3', 'soon', ' ', '9999999999999999999']) {
    const reply = await ask({ 'x-request-timeout-ms': text })
    const problem = {
      code: 'invalid_argument',
      reason: 'malformed_header',
      details: { header: 'x-request-timeout-ms' },
    }
    expect([reply.status, await jsonOf(reply)]).toMatchObject([400, problem])
  }
})

test('the signal fires when the caller leaves, and is aborted already when it left before', async () => {
  const arrived = Promise.withResolvers<Arrival>()
  const left = Promise.withResolvers<void>()
  const wait: Handle = async (arrival) => {
    arrived.resolve(arrival)
    await left.promise
    return succeed({})
  }
  await using demo = await serve({ getUser: wait })
  const caller = new AbortController()
  const reply = fetch(`${demo.url}/v1/users/1`, { signal: caller.signal }).catch(() => undefined)
  const arrival = await arrived.promise
  const { signal } = arrival
  expect(signal?.aborted).toBe(false)
  caller.abort()
  await Promise.all([reply, once(signal ?? new EventTarget(), 'abort')])
  expect(arrival.signal?.aborted).toBe(true)
  left.resolve()
})

test('the signal stays quiet when the call is answered', async () => {
  let signal: AbortSignal | undefined
  const watch: Handle = (arrival) => {
    signal = arrival.signal
    return succeed({})
  }
  await using demo = await serve({ getUser: watch })
  await (await fetch(`${demo.url}/v1/users/1`)).text()
  await demo.server.close()
  expect(signal?.aborted).toBe(false)
})

test('an output that cannot be written is an internal error that says nothing, and is logged', async () => {
  await using demo = await serve({ getUser: () => succeed({ big: 1n }, { 'x-secret': 's' }) })
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, reply.headers.get('x-secret'), await jsonOf(reply)]).toMatchObject([
    500,
    null,
    { code: 'internal', detail: 'an internal error occurred' },
  ])
  expect(demo.logged).toEqual([expect.objectContaining({ err: expect.any(TypeError) as unknown })])
})

test('configure adds what no contract describes; its routes keep the parsers and schemas of Fastify, its errors become problems', async () => {
  const { url, server } = await serve(
    {},
    {
      configure: (fastify) => {
        const schema = { body: { type: 'object', required: ['a'] } }
        fastify.post('/hook', { schema }, async ({ body }) => ({ got: body }))
        fastify.addHook('onRequest', async (request, reply) => {
          reply.header('x-hook', '1')
          if (request.headers['x-deny']) throw Object.assign(new Error('slow down'), { statusCode: 429 })
          if (request.headers['x-break']) throw new Error('secret')
        })
      },
    },
  )
  await using _ = { [Symbol.asyncDispose]: () => server.close() }
  const hook = await fetch(`${url}/hook`, json({ a: 1 }))
  expect(await jsonOf(hook)).toEqual({ got: { a: 1 } })
  expect(await fetch(`${url}/hook`, json({ b: 1 }))).toMatchObject({ status: 400 })
  const user = await fetch(`${url}/v1/users/1`)
  expect([user.status, user.headers.get('x-hook')]).toEqual([200, '1'])
  const watch = await fetch(`${url}/v1/users/1`, { headers: { 'x-deny': '1' } })
  expect([watch.status, await jsonOf(watch)]).toMatchObject([429, { code: 'resource_exhausted', detail: 'slow down' }])
  const broken = await fetch(`${url}/v1/users/1`, { headers: { 'x-break': '1' } })
  expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('secret')])
})

test('a taken port is an error that names address and option', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const server = httpTransport({ port }).bind(hostOf({}, []))
  await expect(server.listen()).rejects.toMatchObject({
    code: 'service.listen_failed',
    message: expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${port}.*taken.*port.*httpTransport`)) as unknown,
  })
  await server.close()
  taken.close()
})
