import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { get, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { bytes, type Contract, contract, stream } from '@tenon/core/contract'
import { ConfigError, ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { fail, hostOf, json, jsonOf, serve, succeed } from '../http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from '../index.ts'
import { ask, connectHttp2, identity } from '../tls/tls.test-harness.ts'

const origin = 'https://page.example'
const preflight = { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } }

test('nothing is said to browsers unless it is asked for', async () => {
  await using demo = await serve()
  const { headers } = await fetch(`${demo.url}/v1/users/1`, { headers: { origin, 'accept-encoding': 'gzip' } })
  const names = [...headers.keys()].toSorted()
  expect(names).toEqual(['connection', 'content-length', 'content-type', 'date', 'keep-alive'])
})

test('cors answers a preflight for any path, and leaves other OPTIONS requests to the path', async () => {
  await using demo = await serve({}, { cors: true })
  for (const path of ['/v1/users/1', '/nope']) {
    const reply = await fetch(`${demo.url}${path}`, preflight)
    expect([path, reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([path, 204, '*'])
    expect(reply.headers.get('access-control-allow-methods')).toContain('PUT')
  }
  const plain = await fetch(`${demo.url}/v1/users/1`, { method: 'OPTIONS' })
  expect([plain.status, plain.headers.get('allow')]).toEqual([204, expect.stringContaining('PUT')])
  expect(plain.headers.get('access-control-allow-methods')).toBeNull()
  expect((await fetch(`${demo.url}/nope`, { method: 'OPTIONS' })).status).toBe(404)
})

test('cors lets pages read replies, problems too', async () => {
  const options: HttpOptions = { cors: { origin: [origin], credentials: true } }
  await using demo = await serve({}, options)
  for (const [path, status] of [
    ['/v1/users/1', 200],
    ['/nope', 404],
  ] as const) {
    const reply = await fetch(`${demo.url}${path}`, { headers: { origin } })
    expect([reply.status, reply.headers.get('access-control-allow-origin')]).toEqual([status, origin])
    const readable = reply.headers.get('access-control-expose-headers')?.split(', ')
    expect(readable).toEqual(expect.arrayContaining(['retry-after', 'content-range', 'content-disposition', 'allow']))
    expect(readable).toEqual(expect.arrayContaining(['accept-ranges', 'x-ratelimit-remaining', 'x-request-id']))
    const other = await fetch(`${demo.url}${path}`, { headers: { origin: 'https://other.example' } })
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  }
})

test('an origin that cannot be decided is a problem that tells nothing', async () => {
  const decide = () => Promise.reject(new Error('secret'))
  await using demo = await serve({}, { cors: { origin: decide } })
  const reply = await fetch(`${demo.url}/v1/users/1`, { headers: { origin } })
  expect([reply.status, await jsonOf(reply)]).toMatchObject([500, { code: 'internal' }])
  expect(JSON.stringify(demo.logged)).not.toBe('[]')
})

test('security headers are on every reply, whoever writes it, and give way to what a reply says itself', async () => {
  const policy = "default-src 'self'"
  const configure: HttpOptions['configure'] = (fastify) => {
    fastify.get('/page', (_request, reply) => reply.header('content-security-policy', policy).send('page'))
  }
  const items = async function* () {
    yield { a: 1 }
  }
  await using demo = await serve(
    { watchUsers: () => succeed(items()), putUser: () => fail(new ServiceError('not_found', 'no')) },
    { securityHeaders: true, configure },
  )
  const put = json({}, 'PUT')
  for (const [path, init] of [['/v1/users/1'], ['/v1/users:watch'], ['/v1/users/1', put], ['/nope'], ['/v1/%ZZ']] as [
    string,
    RequestInit?,
  ][]) {
    const { headers } = await fetch(`${demo.url}${path}`, init)
    expect({ path, ...Object.fromEntries(headers) }).toMatchObject({
      path,
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(headers.get('strict-transport-security')).toBeNull()
  }
  const page = await fetch(`${demo.url}/page`)
  expect([page.headers.get('content-security-policy'), page.headers.get('x-frame-options')]).toEqual([policy, 'DENY'])
})

test('security headers are what the plugin makes of its options, and ask for TLS where it is spoken', async () => {
  const tls = identity('demo')
  const securityHeaders = { referrerPolicy: { policy: 'same-origin' }, xFrameOptions: false }
  await using demo = await serve({}, { securityHeaders, tls, http2: true })
  await using client = await connectHttp2(demo.port, tls.cert)
  const { headers } = await ask(client.session, { ':path': '/v1/users/1' })
  expect([headers['referrer-policy'], headers['x-frame-options']]).toEqual(['same-origin', undefined])
  expect(headers['strict-transport-security']).toMatch(/^max-age=\d+/)
})

test.each([
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
])('replies of some size are compressed as %s for who accepts it', async (encoding, decompress) => {
  const text = 'x'.repeat(5000)
  await using demo = await serve({ getUser: () => succeed({ text }) }, { compression: true })
  const reply = await read(demo.port, '/v1/users/1', encoding)
  expect([reply.headers['content-encoding'], reply.headers.vary]).toEqual([encoding, 'accept-encoding'])
  expect(decompress(reply.body).toString()).toBe(JSON.stringify({ text }))
  const plain = await read(demo.port, '/v1/users/1')
  expect([plain.headers['content-encoding'], plain.body.length]).toEqual([undefined, 5011])
})

test('problems are compressed too, and short replies are not worth it', async () => {
  const error = new ServiceError('not_found', 'x'.repeat(5000))
  await using demo = await serve({ getUser: () => fail(error) }, { compression: true })
  const problem = await read(demo.port, '/v1/users/1', 'gzip')
  expect(problem.headers['content-type']).toContain('application/problem+json')
  expect(JSON.parse(gunzipSync(problem.body).toString())).toMatchObject({ code: 'not_found' })
  expect((await read(demo.port, '/nope', 'gzip')).headers['content-encoding']).toBeUndefined()
})

test.each(['application/x-ndjson', 'text/event-stream'])(
  'items of %s leave as they come, although replies are compressed',
  async (accept) => {
    const next = Promise.withResolvers<void>()
    const items = async function* () {
      yield { a: 1 }
      await next.promise
    }
    await using demo = await serve({ watchUsers: () => succeed(items()) }, { compression: { threshold: 0 } })
    const headers = { accept, 'accept-encoding': 'gzip, br' }
    const [reply] = (await once(get({ port: demo.port, path: '/v1/users:watch', headers }), 'response')) as [
      IncomingMessage,
    ]
    expect(reply.headers['content-encoding']).toBeUndefined()
    const [first] = (await once(reply, 'data')) as [Buffer]
    expect(first.toString()).toContain('{"a":1}')
    next.resolve()
    await once(reply.resume(), 'end')
  },
)

test('a download and its ranges are sent as they are, also of a type that could be compressed', async () => {
  const text = 'abcdefgh'.repeat(1000)
  const output = stream(bytes({ mediaType: 'text/csv' }))
  const files = contract('demo.v1.Files', { read: { input: Type.Object({}), output, http: 'GET /v1/file' } })
  const chunks = async function* () {
    yield Buffer.from(text)
  }
  const headers = { 'content-length': String(text.length) }
  const handlers = { read: () => succeed(chunks(), headers) }
  await using demo = await serve(handlers, { compression: { threshold: 0 } }, files as Contract)
  const whole = await read(demo.port, '/v1/file', 'gzip')
  expect([whole.status, whole.headers['content-encoding'], whole.body.toString()]).toEqual([200, undefined, text])
  const range = { 'accept-encoding': 'gzip', range: 'bytes=8-4007' }
  const part = await fetch(`${demo.url}/v1/file`, { headers: range })
  expect([part.status, part.headers.get('content-encoding')]).toEqual([206, null])
  expect(await part.text()).toBe(text.slice(8, 4008))
})

test('the body of a request is not taken compressed', async () => {
  await using demo = await serve({}, { compression: true })
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  const reply = await fetch(`${demo.url}/v1/users`, { method: 'POST', body: '{}', headers })
  expect([reply.status, await jsonOf(reply)]).toMatchObject([415, { reason: 'unsupported_media_type' }])
})

test('who asks too often is refused with a problem that says when to come back, before anything else is looked at', async () => {
  let count = 0
  const options: HttpOptions = { rateLimit: { max: 2, timeWindow: 90_000 } }
  await using demo = await serve({ getUser: () => succeed((count += 1)) }, options)
  expect((await fetch(`${demo.url}/v1/users/1`)).status).toBe(200)
  expect((await fetch(`${demo.url}/nope`)).status).toBe(404)
  for (const path of ['/v1/users/1', '/nope', '/v1/users/1:nope']) {
    const reply = await fetch(`${demo.url}${path}`, { headers: { 'x-request-id': 'mine-1' } })
    expect([path, reply.status, reply.headers.get('retry-after')]).toEqual([path, 429, wholeSeconds])
    expect(reply.headers.get('x-request-id')).toBe('mine-1')
    const problem = { code: 'resource_exhausted', reason: 'rate_limited', instance: path, callId: 'mine-1' }
    expect(await jsonOf(reply)).toMatchObject(problem)
  }
  expect(count).toBe(1)
})

const wholeSeconds: unknown = expect.stringMatching(/^[1-9]\d*$/)

test('a caller that is banned is told so', async () => {
  await using demo = await serve({}, { rateLimit: { max: 1, ban: 0 } })
  await fetch(`${demo.url}/v1/users/1`)
  const reply = await fetch(`${demo.url}/v1/users/1`)
  expect([reply.status, await jsonOf(reply)]).toMatchObject([403, { code: 'permission_denied', reason: 'banned' }])
})

/** A stand-in for ioredis: it counts, or fails. */
function redis({ isDown }: { readonly isDown: boolean }) {
  let count = 0
  type Done = (error: Error | null, counted?: readonly [number, number]) => void
  return {
    defineCommand() {},
    rateLimit(...told: readonly unknown[]) {
      const done = told.at(-1) as Done
      if (isDown) done(new Error('down'))
      else done(null, [(count += 1), 1000])
    },
    rateLimitRead() {},
  }
}

test('counts are kept in redis where it is given, and an outage of it refuses nobody unless that is wanted', async () => {
  const statuses = async (options: HttpOptions['rateLimit']) => {
    await using demo = await serve({}, { rateLimit: options ?? false })
    const askOnce = async () => (await fetch(`${demo.url}/v1/users/1`)).status
    return [await askOnce(), await askOnce()]
  }
  expect(await statuses({ max: 1, redis: redis({ isDown: false }) })).toEqual([200, 429])
  expect(await statuses({ max: 1, redis: redis({ isDown: true }) })).toEqual([200, 200])
  expect(await statuses({ max: 1, redis: redis({ isDown: true }), skipOnError: false })).toEqual([500, 500])
})

test('routes that configure adds are covered by the plugins', async () => {
  const options: HttpOptions = {
    rateLimit: { max: 1 },
    cors: true,
    configure: (fastify) => void fastify.get('/hook', async () => 'x'.repeat(2000)),
    compression: true,
  }
  await using demo = await serve({}, options)
  const reply = await read(demo.port, '/hook', 'gzip')
  expect([reply.headers['content-encoding'], reply.headers['access-control-allow-origin']]).toEqual(['gzip', '*'])
  expect((await read(demo.port, '/hook')).status).toBe(429)
})

test('a preflight is answered before anything is counted, and OPTIONS is no way around the limit', async () => {
  await using demo = await serve({}, { cors: true, rateLimit: { max: 1 } })
  for (let turn = 0; turn < 3; turn += 1) expect((await fetch(`${demo.url}/v1/users/1`, preflight)).status).toBe(204)
  expect((await fetch(`${demo.url}/v1/users/1`)).status).toBe(200)
  const refused = await fetch(`${demo.url}/v1/users/1`, { headers: { origin } })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([429, '*'])
})

test('options that a plugin refuses are named', async () => {
  const listen = async (options: HttpOptions) => {
    const server = httpTransport({ port: 0, ...options }).bind(hostOf({}, []))
    const error = await server.listen().catch((thrown: unknown) => thrown)
    await server.close()
    return error
  }
  const compression = await listen({ compression: { encodings: [] } })
  expect(compression).toBeInstanceOf(ConfigError)
  expect(String(compression)).toMatch(/compression are refused .*encodings/)
  const headers = await listen({ securityHeaders: { referrerPolicy: { policy: 'nonsense' } } })
  expect(headers).toBeInstanceOf(ConfigError)
  expect(String(headers)).toMatch(/securityHeaders are refused .*nonsense/)
})

async function read(port: number, path: string, encoding?: string) {
  const headers = encoding === undefined ? {} : { 'accept-encoding': encoding }
  const [reply] = (await once(get({ port, path, headers, agent: false }), 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk as Buffer)
  return { status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks) }
}
