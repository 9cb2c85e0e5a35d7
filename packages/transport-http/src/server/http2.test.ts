import { once } from 'node:events'
import { Agent, get, type RequestOptions } from 'node:https'
import { type IncomingMessage } from 'node:http'
import { type Contract, contract, stream } from '@tenon/core/contract'
import { type Arrival, ServiceError } from '@tenon/core/transport'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { echo, fail, type Handle, serve, succeed } from '../http-transport.test-harness.ts'
import { ask, connectHttp2, identity, readReply } from '../tls/tls.test-harness.ts'

const tls = identity('demo')
const json = { ':method': 'POST', 'content-type': 'application/json' }

async function serveHttp2(...[handlers, options, served]: Partial<Parameters<typeof serve>>) {
  const demo = await serve(handlers, { tls, http2: true, ...options }, served)
  const client = await connectHttp2(demo.port, tls.cert)
  return {
    ...demo,
    session: client.session,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]()
      await demo.server.close()
    },
  }
}

test('requests of HTTP/2 reach the same operations', async () => {
  await using demo = await serveHttp2()
  const { session } = demo
  expect(await ask(session, { ':path': '/v1/users/a%2Fb' })).toMatchObject({ status: 200, text: '{"userId":"a/b"}' })
  expect(await ask(session, { ...json, ':path': '/v1/users' }, '{}')).toMatchObject({ status: 201, text: '{}' })
  const put = { ':method': 'PUT', ':path': '/v1/users/1', 'content-type': 'application/json' }
  expect(await ask(session, put, '{"userId":"2"}')).toMatchObject({ status: 400 })
  const head = await ask(session, { ':method': 'HEAD', ':path': '/v1/users/1' })
  expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '14', ''])
})

test('requests that reach no operation are problems over HTTP/2 too', async () => {
  await using demo = await serveHttp2()
  const { session } = demo
  const missing = await ask(session, { ':path': '/nope' })
  expect([missing.status, missing.headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8'])
  const wrong = await ask(session, { ':path': '/v1/users/1', ':method': 'DELETE' })
  expect([wrong.status, wrong.headers['allow']]).toEqual([405, expect.stringContaining('GET')])
  expect((await ask(session, { ':path': '/v1/users/%ZZ' })).status).toBe(400)
})

test('callers that do not ask for HTTP/2 are served HTTP/1.1 on the same port', async () => {
  await using demo = await serve({}, { tls, http2: true })
  const options: RequestOptions = { port: demo.port, host: 'localhost', ca: tls.cert, path: '/v1/users/1' }
  const [reply] = (await once(get({ ...options, agent: new Agent() }), 'response')) as [IncomingMessage]
  expect([reply.statusCode, reply.httpVersion]).toEqual([200, '1.1'])
  reply.resume()
})

test('a handler learns the same of an HTTP/2 request as of any other', async () => {
  const seen: Pick<Arrival, 'metadata' | 'timeoutMs' | 'peer'>[] = []
  const look: Handle = (arrival) => {
    const { metadata, timeoutMs, peer } = arrival
    seen.push({ metadata, timeoutMs, peer })
    return echo(arrival)
  }
  await using demo = await serveHttp2({ getUser: look, createUser: look })
  await ask(demo.session, { ':path': '/v1/users/1', 'x-one': '1', 'x-request-timeout-ms': '250' })
  await ask(demo.session, { ...json, ':path': '/v1/users' }, '{}')
  expect(seen[0]?.metadata).toEqual({ host: `localhost:${demo.port}`, 'x-one': '1', 'x-request-timeout-ms': '250' })
  expect(seen[0]?.timeoutMs).toBe(250)
  expect(seen[0]?.peer).toMatch(/127\.0\.0\.1|::1/)
  expect(seen[1]?.metadata).toEqual({ host: `localhost:${demo.port}`, 'content-type': 'application/json' })
})

test('a body without a type is a body, though HTTP/2 does not say how long it is', async () => {
  await using demo = await serveHttp2()
  const post = { ':method': 'POST', ':path': '/v1/users' }
  expect((await ask(demo.session, post, 'x')).status).toBe(415)
  expect((await ask(demo.session, post)).status).toBe(201)
})

test('a caller that goes on sending is answered, and asked to stop', async () => {
  await using demo = await serveHttp2({}, { bodyLimitBytes: 10 })
  const stream = demo.session.request({ ...json, ':path': '/v1/users' })
  const send = () => void (stream.destroyed || stream.write('x'.repeat(1024), send))
  send()
  const closed = once(stream, 'close')
  expect(await readReply(stream)).toMatchObject({ status: 413 })
  await closed
  expect(stream.rstCode).toBe(0)
  expect((await ask(demo.session, { ':path': '/v1/users/1' })).status).toBe(200)
})

test('the signal fires when the caller resets its request', async () => {
  const arrived = Promise.withResolvers<AbortSignal | undefined>()
  const wait: Handle = ({ signal }) => {
    arrived.resolve(signal)
    return new Promise(() => undefined)
  }
  await using demo = await serveHttp2({ getUser: wait })
  const stream = demo.session.request({ ':path': '/v1/users/1' })
  const signal = await arrived.promise
  expect(signal?.aborted).toBe(false)
  const aborted = once(signal ?? new EventTarget(), 'abort')
  stream.close(8)
  await aborted
})

test('a stream goes no faster than its caller reads, and ends when the caller leaves', async () => {
  let count = 0
  const returned = Promise.withResolvers<void>()
  const stalled = Promise.withResolvers<void>()
  const items = async function* () {
    try {
      for (;;) {
        count += 1
        yield { text: 'x'.repeat(10_000) }
        setImmediate(() => count > 3 && stalled.resolve())
      }
    } finally {
      returned.resolve()
    }
  }
  const output = stream(Type.Object({ text: Type.String() }))
  const texts = contract('demo.v1.Texts', { read: { input: Type.Object({}), output, http: 'GET /v1/texts' } })
  await using demo = await serveHttp2({ read: () => succeed(items()) }, {}, texts as Contract)
  const reading = demo.session.request({ ':path': '/v1/texts' })
  await once(reading, 'response')
  await stalled.promise
  // Whole turns of the loop in which nothing is read, and so nothing may be made: the buffers on the way are far smaller.
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
  expect(count * 10_000).toBeLessThan(2_000_000)
  reading.close(8)
  await returned.promise
})

test('a stream that fails ends with its problem', async () => {
  const items = async function* () {
    yield { a: 1 }
    throw new ServiceError('unavailable', 'the service is shutting down', { reason: 'draining' })
  }
  await using demo = await serveHttp2({ watchUsers: () => succeed(items()) })
  const { text } = await ask(demo.session, { ':path': '/v1/users:watch' })
  expect(text.split('\n')[1]).toContain('"code":"unavailable"')
})

test('items flow both ways at once', async () => {
  const Line = Type.Object({ n: Type.Integer() })
  const lines = contract('demo.v1.Lines', {
    double: { input: stream(Line), output: stream(Line), http: 'POST /v1/lines:double' },
  })
  const double: Handle = (arrival) => {
    const items = arrival.decode() as AsyncIterable<{ n: number }>
    return succeed(
      (async function* () {
        for await (const { n } of items) yield { n: 2 * n }
      })(),
    )
  }
  await using demo = await serveHttp2({ double }, {}, lines as Contract)
  const path = { ':method': 'POST', ':path': '/v1/lines:double', 'content-type': 'application/x-ndjson' }
  const call = demo.session.request(path).setEncoding('utf8')
  for (const n of [1, 2, 3]) {
    call.write(`{"n":${n}}\n`)
    const [line] = (await once(call, 'data')) as [string]
    expect(line).toBe(`{"n":${2 * n}}\n`)
  }
  call.end()
  await once(call, 'end')
})

test.each([
  ['without an error', undefined],
  ['with an error', new Error('broken')],
])('an input that breaks off %s is cancelled, and never complete', async (_how, error) => {
  const Line = Type.Object({ n: Type.Integer() })
  const sums = contract('demo.v1.Sums', { sum: { input: stream(Line), output: Line, http: 'POST /v1/sums' } })
  const began = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  const sum: Handle = async (arrival) => {
    try {
      for await (const _item of arrival.decode() as AsyncIterable<unknown>) began.resolve()
      ended.resolve('complete')
    } catch (thrown) {
      ended.resolve(thrown)
    }
    return succeed({ n: 0 })
  }
  await using demo = await serveHttp2({ sum }, {}, sums as Contract)
  const headers = { ':method': 'POST', ':path': '/v1/sums', 'content-type': 'application/x-ndjson' }
  const call = demo.session.request(headers)
  call.write('{"n":1}\n')
  await began.promise
  // Not `close()`, which ends the input first.
  call.on('error', () => undefined).destroy(error)
  expect(await ended.promise).toMatchObject({ code: 'cancelled' })
})

test('a failed call and its headers are the same over HTTP/2', async () => {
  const error = new ServiceError('unavailable', 'later', { details: { retryDelayMs: 1500 } })
  await using demo = await serveHttp2({ getUser: () => fail(error) })
  const reply = await ask(demo.session, { ':path': '/v1/users/1' })
  expect([reply.status, reply.headers['retry-after'], reply.headers['connection']]).toEqual([503, '2', undefined])
})

test('a header section over the limit resets the request, and nothing else', async () => {
  await using demo = await serveHttp2({}, { headerLimitBytes: 2048 })
  const stream = demo.session.request({ ':path': '/v1/users/1', 'x-large': 'x'.repeat(5000) })
  const [error] = (await once(stream, 'error')) as [Error]
  expect(error.message).toContain('NGHTTP2_ENHANCE_YOUR_CALM')
  expect((await ask(demo.session, { ':path': '/v1/users/1' })).status).toBe(200)
})
