import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, get as getSecure } from 'node:https'
import { connect, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { HttpOptions } from '../http-options.ts'
import { hostOf, serve, succeed } from '../http-transport.test-harness.ts'
import { httpTransport } from '../index.ts'
import { ask, connectHttp2, identity } from '../tls/tls.test-harness.ts'

const tls = identity('demo')
const never = new AbortController().signal
const request = 'GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\n'

afterEach(() => void vi.useRealTimers())

/** A server whose callers are served for so long after they are asked to leave. */
async function serveFor(deregisterDelayMs: number, options: HttpOptions = {}) {
  const server = httpTransport({ port: 0, ...options }).bind({ ...hostOf({}, []), deregisterDelayMs })
  const [address] = await server.listen()
  return { server, port: address?.port ?? 0, [Symbol.asyncDispose]: () => server.close() }
}

const schemes = {
  http: { options: {}, open: (port: number) => connect(port, '127.0.0.1') },
  https: { options: { tls }, open: (port: number) => connectSecure({ port, host: 'localhost', ca: tls.cert }) },
}

/** A connection that was used once, and is kept. */
async function openIdle(port: number, scheme: keyof typeof schemes): Promise<Socket> {
  const socket = schemes[scheme].open(port).setEncoding('latin1')
  socket.write(request)
  const [text] = (await once(socket, 'data')) as [string]
  expect(text).toMatch(/^HTTP\/1\.1 200 [^]*connection: keep-alive\r\n[^]*\}$/i)
  return socket
}

/** All that is said on a connection until it is closed. */
async function heard(socket: Socket): Promise<string> {
  let said = ''
  for await (const chunk of socket) said += String(chunk)
  return said
}

const answered = /^HTTP\/1\.1 200 [^]*connection: close\r\n[^]*\}$/i

describe('Keep-Alive: timeout', () => {
  test.each([
    ['what the server keeps to, where no delay is to be waited for', 0, {}, 'timeout=72'],
    ['less than the delay', 5_000, {}, 'timeout=4'],
    ['nothing where seconds are too coarse to say it', 1_500, {}, 'timeout=0'],
    ['less than the delay where that is a fraction of a second', 100, {}, 'timeout=0'],
    ['what the server keeps to, where that is less', 5_000, { keepAliveTimeoutMs: 2_000 }, 'timeout=2'],
    ['less than the delay over TLS', 5_000, { tls }, 'timeout=4'],
    ['less than the delay beside HTTP/2', 5_000, { tls, http2: true }, 'timeout=4'],
  ])('tells %s', async (_what, delayMs, options: HttpOptions, told) => {
    await using demo = await serveFor(delayMs, options)
    const place = { port: demo.port, host: 'localhost', path: '/v1/users/1' }
    const agent = options.tls ? new TlsAgent({ keepAlive: true, ca: tls.cert }) : new Agent({ keepAlive: true })
    const asked = options.tls ? getSecure({ ...place, agent }) : get({ ...place, agent })
    const [reply] = (await once(asked, 'response')) as [IncomingMessage]
    expect([reply.headers.connection, reply.headers['keep-alive']]).toEqual(['keep-alive', told])
    reply.resume()
    agent.destroy()
  })
})

describe.each(['http', 'https'] as const)('a request that has come over %s and that nobody has read yet', (scheme) => {
  test.each(['drain', 'close'] as const)('is answered when the server begins to %s', async (verb) => {
    await using demo = await serve({}, schemes[scheme].options)
    const kept = await openIdle(demo.port, scheme)
    kept.write(request)
    const done = verb === 'drain' ? demo.server.drain(never) : demo.server.close()
    expect(await heard(kept)).toMatch(answered)
    await done
  })

  test('is answered when the delay is nearly over, while idle connections are closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    await using demo = await serveFor(5_000, schemes[scheme].options)
    const idle = await openIdle(demo.port, scheme)
    const kept = await openIdle(demo.port, scheme)
    demo.server.withdraw()
    kept.write(request)
    vi.advanceTimersByTime(4_500)
    expect(await heard(kept)).toMatch(answered)
    expect(await heard(idle)).toBe('')
    const late = schemes[scheme].open(demo.port)
    late.write(request)
    expect(await heard(late)).toMatch(answered)
  })
})

test('until the delay is nearly over an idle connection is served', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  await using demo = await serveFor(5_000)
  const kept = await openIdle(demo.port, 'http')
  demo.server.withdraw()
  vi.advanceTimersByTime(4_499)
  const other = connect(demo.port, '127.0.0.1')
  other.write(request)
  expect(await heard(other)).toMatch(answered)
  kept.write(request)
  expect(await heard(kept)).toMatch(answered)
})

test('HTTP/2: callers learn before the delay is over that their next requests belong elsewhere', async () => {
  await using demo = await serveFor(100, { tls, http2: true })
  await using client = await connectHttp2(demo.port, tls.cert)
  expect((await ask(client.session, { ':path': '/v1/users/1' })).status).toBe(200)
  const told = once(client.session, 'goaway')
  demo.server.withdraw()
  expect((await told)[0]).toBe(0)
})

test('a connection that carried a stream is closed with its end during a drain', async () => {
  // Whatever looks for idle connections now and again never does here.
  vi.useFakeTimers({ toFake: ['setInterval'] })
  const end = Promise.withResolvers<void>()
  const items = async function* () {
    yield { a: 1 }
    await end.promise
  }
  const running = Promise.withResolvers<void>()
  await using demo = await serve({
    watchUsers: () => succeed(items()),
    putUser: async () => (await running.promise, succeed({})),
  })
  const kept = connect(demo.port, '127.0.0.1').setEncoding('latin1')
  kept.write('GET /v1/users:watch HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(kept, 'data')
  const other = fetch(`${demo.url}/v1/users/1`, { method: 'PUT' })
  const idle = await openIdle(demo.port, 'http')
  const drained = demo.server.drain(never)
  // Connections were looked at by then.
  await heard(idle)
  end.resolve()
  expect(await heard(kept)).toMatch(/0\r\n\r\n$/)
  running.resolve()
  await other
  await drained
})
