import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { type Arrival, type Outcome, ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { fail, type Handle, hostOf, json, jsonOf, serve, succeed, talk } from './http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from './index.ts'

test('close before listen releases everything, and may be called twice', async () => {
  const server = httpTransport({ port: 0 }).bind(hostOf({}, []))
  await server.close()
  await server.close()
})

test('close does not wait for idle connections', async () => {
  const demo = await serve()
  const agent = new Agent({ keepAlive: true })
  const [reply] = (await once(get({ port: demo.port, path: '/v1/users/1', agent }), 'response')) as [IncomingMessage]
  expect(reply.headers.connection).toBe('keep-alive')
  const gone = once(reply.socket, 'close')
  await once(reply.resume(), 'end')
  await demo.server.drain(new AbortController().signal)
  await demo.server.close()
  await gone
  await expect(fetch(`${demo.url}/v1/users/1`)).rejects.toThrow()
})

test('from withdraw on every reply asks the caller to leave, also one that was under way', async () => {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const slow: Handle = async () => {
    arrived.resolve()
    await answer.promise
    return succeed({})
  }
  await using demo = await serve({ getUser: slow })
  const running = fetch(`${demo.url}/v1/users/1`)
  await arrived.promise
  demo.server.withdraw()
  answer.resolve()
  expect((await running).headers.get('connection')).toBe('close')
  for (const path of ['/v1/users/1', '/nope']) {
    expect((await fetch(`${demo.url}${path}`)).headers.get('connection')).toBe('close')
  }
})

test('drain waits for running calls and goes on answering new ones', async () => {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const slow: Handle = async () => {
    arrived.resolve()
    await answer.promise
    return succeed({ done: true })
  }
  const refuse: Handle = () => fail(new ServiceError('unavailable', 'the service is shutting down'))
  await using demo = await serve({ getUser: slow, createUser: refuse })
  const running = fetch(`${demo.url}/v1/users/1`)
  await arrived.promise
  const order: string[] = []
  const drained = demo.server.drain(new AbortController().signal).then(() => order.push('drained'))
  const refused = await fetch(`${demo.url}/v1/users`, json({}))
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('connection')]).toEqual([
    503,
    '1',
    'close',
  ])
  order.push('refused')
  answer.resolve()
  expect(await jsonOf(await running)).toEqual({ done: true })
  await drained
  expect(order).toEqual(['refused', 'drained'])
})

test('drain does not wait for calls that came after it began', async () => {
  const calls = { getUser: Promise.withResolvers<void>(), createUser: Promise.withResolvers<void>() }
  const answer = Promise.withResolvers<Outcome>()
  const never = new Promise<Outcome>(() => undefined)
  const wait = (name: keyof typeof calls, outcome: Promise<Outcome>) => () => {
    calls[name].resolve()
    return outcome
  }
  await using demo = await serve({
    getUser: wait('getUser', answer.promise),
    createUser: wait('createUser', never),
  })
  const running = fetch(`${demo.url}/v1/users/1`)
  await calls.getUser.promise
  const drained = demo.server.drain(new AbortController().signal)
  const late = fetch(`${demo.url}/v1/users`, json({})).catch(() => 'cut')
  await calls.createUser.promise
  answer.resolve(succeed({}))
  await drained
  expect((await running).status).toBe(200)
  await demo.server.close()
  expect(await late).toBe('cut')
})

test('drain refuses at once what still arrives, and tells its caller to come back', async () => {
  await using demo = await serveArriving()
  const head = 'POST /v1/users HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 38\r\n\r\n{'
  const said = talk(demo.port, head)
  await demo.arriving
  expect(await demo.server.drain(new AbortController().signal)).toBe(0)
  const answer = await said
  expect(answer).toMatch(/^HTTP\/1.1 503 [^]*\r\nconnection: close\r\n/)
  expect(answer).toMatch(/\r\nretry-after: 1\r\n[^]*"reason":"draining"/)
})

test('drain refuses a caller that is still sending', async () => {
  await using demo = await serveArriving()
  const socket = connect(demo.port, '127.0.0.1').setEncoding('utf8')
  socket.on('error', () => undefined)
  socket.write('POST /v1/users HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
  await demo.arriving
  let isSending = true
  const send = () => isSending && socket.write(`400\r\n${'x'.repeat(1024)}\r\n`, send)
  send()
  const drained = demo.server.drain(new AbortController().signal)
  const [said] = (await once(socket, 'data')) as [string]
  isSending = false
  expect(said).toMatch(/^HTTP\/1.1 503 [^]*"reason":"draining"/)
  expect(await drained).toBe(0)
})

test('what arrives after the drain began and is not complete at its end is refused too', async () => {
  await using demo = await serveArriving()
  await demo.server.drain(new AbortController().signal)
  const said = talk(demo.port, 'PUT /v1/users/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{')
  await demo.arriving
  await demo.server.close()
  expect(await said).toMatch(/^HTTP\/1.1 503 [^]*"reason":"draining"/)
})

test('drain tells how many replies its deadline cut', async () => {
  const arrived = Promise.withResolvers<void>()
  const wait: Handle = () => {
    arrived.resolve()
    return new Promise<never>(() => undefined)
  }
  await using demo = await serve({ getUser: wait })
  const cut = fetch(`${demo.url}/v1/users/1`).catch(() => 'cut')
  await arrived.promise
  expect(await demo.server.drain(AbortSignal.abort())).toBe(1)
  await demo.server.close()
  expect(await cut).toBe('cut')
})

test('a caller that pipelines and leaves is not waited for', async () => {
  const arrived = Promise.withResolvers<void>()
  const second = Promise.withResolvers<Arrival>()
  const never = new Promise<Outcome>(() => undefined)
  const first: Handle = () => {
    arrived.resolve()
    return never
  }
  const next: Handle = (arrival) => {
    second.resolve(arrival)
    return never
  }
  await using demo = await serve({ getUser: first, putUser: next })
  const socket = connect(demo.port, '127.0.0.1')
  socket.write('GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\nPUT /v1/users/2 HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived.promise
  const { signal } = await second.promise
  socket.destroy()
  await demo.server.drain(new AbortController().signal)
  expect(signal?.aborted).toBe(true)
})

test('replies that are written after their pipelining caller left leave the drain as it was', async () => {
  const arrived: PromiseWithResolvers<void>[] = Array.from({ length: 3 }, () => Promise.withResolvers())
  const answers = [1, 2].map(() => Promise.withResolvers<Outcome>())
  const left = Promise.withResolvers<void>()
  let count = 0
  const wait: Handle = (arrival) => {
    const place = count++
    arrival.signal?.addEventListener('abort', () => left.resolve())
    arrived[place]?.resolve()
    return answers[place]?.promise ?? last.promise
  }
  const last = Promise.withResolvers<Outcome>()
  await using demo = await serve({ getUser: wait })
  const socket = connect(demo.port, '127.0.0.1')
  socket.write('GET /v1/users/1 HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(2))
  await Promise.all([arrived[0]?.promise, arrived[1]?.promise])
  socket.destroy()
  await left.promise
  for (const answer of answers) answer.resolve(succeed({}))
  await (await fetch(`${demo.url}/nope`)).text()

  const running = fetch(`${demo.url}/v1/users/1`)
  await arrived[2]?.promise
  const order: string[] = []
  const drained = demo.server.drain(new AbortController().signal).then(() => order.push('drained'))
  // On a connection of its own: those that are idle are being closed.
  await talk(demo.port, 'GET /nope HTTP/1.1\r\nhost: x\r\n\r\n')
  order.push('answered')
  last.resolve(succeed({}))
  expect((await running).status).toBe(200)
  await drained
  expect(order).toEqual(['answered', 'drained'])
})

test('a stream that nobody waits for any more ends, although its reply never had a connection', async () => {
  const arrived = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<Outcome>()
  const returned = Promise.withResolvers<void>()
  const end = { done: true, value: undefined } as const
  const items: AsyncIterableIterator<unknown> = {
    [Symbol.asyncIterator]: () => items,
    next: async () => ({ done: false, value: 'x'.repeat(100_000) }),
    return: async () => (returned.resolve(), end),
  }
  const late: Handle = () => {
    arrived.resolve()
    return answer.promise
  }
  await using demo = await serve({ getUser: () => new Promise<never>(() => undefined), watchUsers: late })
  const socket = connect(demo.port, '127.0.0.1')
  const head = 'HTTP/1.1\r\nhost: x\r\n\r\n'
  socket.write(`GET /v1/users/1 ${head}GET /v1/users:watch ${head}`)
  await arrived.promise
  socket.destroy()
  expect(await demo.server.drain(new AbortController().signal)).toBe(0)
  answer.resolve(succeed(items))
  await returned.promise
})

/** A server that says when the body of the first request begins to be read. */
async function serveArriving() {
  const { promise: arriving, resolve } = Promise.withResolvers<void>()
  const configure: HttpOptions['configure'] = (fastify) => {
    fastify.addHook('preParsing', (_request, _reply, payload, done) => {
      done(null, payload)
      resolve()
    })
  }
  return { arriving, ...(await serve({}, { configure })) }
}
