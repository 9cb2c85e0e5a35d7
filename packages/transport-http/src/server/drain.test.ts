import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, get as getSecure } from 'node:https'
import { connect, type Socket } from 'node:net'
import { type Outcome, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import type { HttpOptions } from '../http-options.ts'
import { type Handle, serve, succeed } from '../http-transport.test-harness.ts'
import { ask, connectHttp2, identity, readReply } from '../tls/tls.test-harness.ts'

const tls = identity('demo')
const never = new AbortController().signal
const secure = { tls, http2: true }

/** A handler that says when it was called, and answers when it is told to. */
function waiting() {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Outcome>()
  const handle: Handle = () => {
    arrived.resolve()
    return answer.promise
  }
  return { handle, arrived: arrived.promise, answer: (value: unknown) => answer.resolve(succeed(value)) }
}

/** Items that are given out one by one; the last is the first after which nothing more is expected. */
function itemsOf(count: number) {
  const given = Array.from({ length: count }, () => Promise.withResolvers<void>())
  const items = async function* () {
    for (const [index, { promise }] of given.entries()) {
      await promise
      yield { index }
    }
  }
  return { items, give: (index: number) => given[index]?.resolve() }
}

test.each(['http', 'https'] as const)(
  'one request in flight: its %s reply says that the connection closes, and close() waits for nothing else',
  async (scheme) => {
    const { handle, arrived, answer } = waiting()
    const demo = await serve({ getUser: handle }, scheme === 'https' ? { tls } : {})
    const agent = scheme === 'https' ? new TlsAgent({ keepAlive: true, ca: tls.cert }) : new Agent({ keepAlive: true })
    const open = (path: string) => {
      const options = { port: demo.port, host: 'localhost', path, agent }
      return once(scheme === 'https' ? getSecure(options) : get(options), 'response') as Promise<[IncomingMessage]>
    }
    const running = open('/v1/users/1')
    await arrived
    // Another connection, which is kept open though nothing is under way on it.
    const [idle] = await open('/nope')
    expect(idle.headers.connection).toBe('keep-alive')
    const idleGone = once(idle.socket, 'close')
    idle.resume()
    demo.server.withdraw()
    const drained = demo.server.drain(never)
    await idleGone
    answer({})
    const [reply] = await running
    expect([reply.statusCode, reply.headers.connection]).toEqual([200, 'close'])
    reply.resume()
    expect(await drained).toBe(0)
    await demo.server.close()
    agent.destroy()
  },
)

test('while callers are told to leave, new connections are served as before', async () => {
  await using demo = await serve()
  demo.server.withdraw()
  for (const path of ['/v1/users/1', '/v1/users/2']) {
    const [reply] = (await once(get({ port: demo.port, path, agent: false }), 'response')) as [IncomingMessage]
    expect([reply.statusCode, reply.headers.connection]).toEqual([200, 'close'])
    reply.resume()
  }
})

test('a reply that no operation wrote, and that began before, asks the caller to leave too', async () => {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<string>()
  await using demo = await serve(
    {},
    {
      configure: (fastify) => {
        fastify.get('/slow', async () => {
          arrived.resolve()
          return answer.promise
        })
      },
    },
  )
  const running = fetch(`${demo.url}/slow`)
  await arrived.promise
  demo.server.withdraw()
  answer.resolve('done')
  expect((await running).headers.get('connection')).toBe('close')
})

test('a connection that becomes idle during the drain is closed before the drain is over', async () => {
  const { handle, arrived, answer } = waiting()
  const { items, give } = itemsOf(1)
  await using demo = await serve({ getUser: handle, watchUsers: () => succeed(items()) })
  // Its head says that the connection is kept, for nobody has thought of leaving yet.
  const agent = new Agent({ keepAlive: true })
  const streaming = get({ port: demo.port, path: '/v1/users:watch', agent })
  const [stream] = (await once(streaming, 'response')) as [IncomingMessage]
  const gone = once(stream.socket, 'close')
  const running = fetch(`${demo.url}/v1/users/1`)
  await arrived
  const order: string[] = []
  const drained = demo.server.drain(never).then(() => order.push('drained'))
  give(0)
  await once(stream.resume(), 'end')
  await gone
  order.push('closed')
  answer({})
  await running
  await drained
  expect(order).toEqual(['closed', 'drained'])
})

test('a connection that is made before the drain and asks during it is answered, and closed', async () => {
  const { handle, arrived, answer } = waiting()
  const ports = new Set<number | undefined>()
  const configure: HttpOptions['configure'] = (fastify) => {
    fastify.server.on('connection', ({ remotePort }) => ports.add(remotePort))
  }
  await using demo = await serve({ getUser: handle }, { configure })
  const running = fetch(`${demo.url}/v1/users/1`)
  await arrived
  const early = connect(demo.port, '127.0.0.1').setEncoding('latin1')
  await once(early, 'connect')
  await expect.poll(() => ports.has(early.localPort)).toBe(true)
  const drained = demo.server.drain(never)
  early.write('GET /nope HTTP/1.1\r\nhost: x\r\n\r\n')
  const [text] = (await once(early, 'data')) as [string]
  expect(text).toMatch(/^HTTP\/1\.1 404 .*\r\nconnection: close\r\n/is)
  await once(early.resume(), 'close')
  answer({})
  await running
  await drained
})

test('a connection is not taken for idle while its caller has yet to read the reply', async () => {
  const bodyBytes = 8_000_000
  await using demo = await serve({ getUser: () => succeed('x'.repeat(bodyBytes)) })
  const [reply] = (await once(get({ port: demo.port, path: '/v1/users/1', agent: false }), 'response')) as [
    IncomingMessage,
  ]
  const drained = demo.server.drain(never)
  let readBytes = 0
  for await (const chunk of reply) readBytes += (chunk as Buffer).length
  expect(readBytes).toBe(bodyBytes + 2)
  expect(await drained).toBe(0)
})

test('at the deadline a stream ends with what its handler says, and whoever does not read is cut', async () => {
  const ended = new ServiceError('unavailable', 'the service is shutting down', { reason: 'draining' })
  const deadline = new AbortController()
  const over = Promise.withResolvers<never>()
  deadline.signal.addEventListener('abort', () => over.reject(ended))
  over.promise.catch(() => undefined)
  const endless = async function* () {
    yield { a: 1 }
    await over.promise
  }
  const { handle, arrived } = waiting()
  const demo = await serve({ watchUsers: () => succeed(endless()), getUser: handle })
  const stream = await fetch(`${demo.url}/v1/users:watch`)
  const stuck: Socket = connect(demo.port, '127.0.0.1')
  stuck.write('GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived
  const gone = once(stuck.resume(), 'close')
  const drained = demo.server.drain(deadline.signal)
  deadline.abort()
  expect(await stream.text()).toMatch(/^\{"a":1\}\n\{"error":\{.*"code":"unavailable".*\n$/)
  expect(await drained).toBeGreaterThan(0)
  await demo.server.close()
  await gone
})

test('HTTP/2: callers go on during the delay, then learn which requests are finished', async () => {
  const { handle, arrived, answer } = waiting()
  const demo = await serve({ getUser: handle }, secure)
  await using busy = await connectHttp2(demo.port, tls.cert)
  await using idle = await connectHttp2(demo.port, tls.cert)
  const running = ask(busy.session, { ':path': '/v1/users/1' })
  await arrived
  demo.server.withdraw()
  expect((await ask(busy.session, { ':path': '/nope' })).status).toBe(404)
  await using late = await connectHttp2(demo.port, tls.cert)
  expect((await ask(late.session, { ':path': '/nope' })).status).toBe(404)

  const told = once(busy.session, 'goaway')
  const named: number[] = []
  busy.session.on('goaway', (_code: number, lastStreamId: number) => named.push(lastStreamId))
  const gone = [once(idle.session, 'close'), once(late.session, 'close')]
  const drained = demo.server.drain(never)
  expect((await told)[0]).toBe(0)
  await Promise.all(gone)
  // First that none is refused, and behind what was on its way which was the last that is served.
  while (named.length < 2) await once(busy.session, 'goaway')
  expect(named.slice(0, 2)).toEqual([2 ** 31 - 1, 3])
  answer({ done: true })
  expect(await running).toMatchObject({ status: 200, text: '{"done":true}' })
  expect(await drained).toBe(0)
  await demo.server.close()
})

test('HTTP/2: a stream that runs is finished before the drain is over', async () => {
  const { items, give } = itemsOf(2)
  const demo = await serve({ watchUsers: () => succeed(items()) }, secure)
  await using client = await connectHttp2(demo.port, tls.cert)
  const stream = client.session.request({ ':path': '/v1/users:watch' }).setEncoding('utf8')
  give(0)
  expect((await once(stream, 'data'))[0]).toBe('{"index":0}\n')
  const drained = demo.server.drain(never)
  await once(client.session, 'goaway')
  give(1)
  expect((await once(stream, 'data'))[0]).toBe('{"index":1}\n')
  await once(stream, 'end')
  expect(await drained).toBe(0)
  await demo.server.close()
})

test('HTTP/2: a connection that is made while the server drains is answered once, and closed', async () => {
  const { handle, arrived, answer } = waiting()
  const demo = await serve({ getUser: handle }, secure)
  await using busy = await connectHttp2(demo.port, tls.cert)
  const running = ask(busy.session, { ':path': '/v1/users/1' })
  await arrived
  const drained = demo.server.drain(never)
  await using late = await connectHttp2(demo.port, tls.cert)
  const gone = once(late.session, 'close')
  expect((await ask(late.session, { ':path': '/nope' })).status).toBe(404)
  await gone
  answer({})
  await running
  await drained
  await demo.server.close()
})

test('HTTP/2: at the deadline streams end as unavailable, and what is left is cut and counted', async () => {
  const ended = new ServiceError('unavailable', 'the service is shutting down', { reason: 'draining' })
  const deadline = new AbortController()
  const over = Promise.withResolvers<never>()
  deadline.signal.addEventListener('abort', () => over.reject(ended))
  over.promise.catch(() => undefined)
  const endless = async function* () {
    yield { a: 1 }
    await over.promise
  }
  const { handle, arrived } = waiting()
  const demo = await serve({ watchUsers: () => succeed(endless()), getUser: handle }, secure)
  await using client = await connectHttp2(demo.port, tls.cert)
  client.session.on('error', () => undefined)
  const stream = client.session.request({ ':path': '/v1/users:watch' })
  const stuck = client.session.request({ ':path': '/v1/users/1' }).on('error', () => undefined)
  await arrived
  const gone = once(stuck, 'close')
  const said = readReply(stream)
  await once(stream, 'response')
  const drained = demo.server.drain(deadline.signal)
  deadline.abort()
  expect((await said).text).toMatch(/"error":\{.*"code":"unavailable"/)
  expect(await drained).toBeGreaterThan(0)
  await demo.server.close()
  await gone
})

test('HTTP/2: a request whose body still arrives is refused at once', async () => {
  const arriving = Promise.withResolvers<void>()
  const demo = await serve(
    {},
    {
      ...secure,
      configure: (fastify) => {
        fastify.addHook('preParsing', (_request, _reply, payload, done) => {
          done(null, payload)
          arriving.resolve()
        })
      },
    },
  )
  await using client = await connectHttp2(demo.port, tls.cert)
  const headers = { ':method': 'POST', ':path': '/v1/users', 'content-type': 'application/json' }
  const stream = client.session.request(headers)
  stream.write('{')
  await arriving.promise
  const drained = demo.server.drain(never)
  const { status, text } = await readReply(stream)
  expect([status, text]).toEqual([503, expect.stringContaining('"reason":"draining"')])
  expect(await drained).toBe(0)
  await demo.server.close()
})
