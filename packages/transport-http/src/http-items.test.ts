import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http'
import { connect } from 'node:net'
import { defineHandler, defineService } from '@tenon/core'
import { type Contract, contract, stream } from '@tenon/core/contract'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { afterEach, expect, test, vi } from 'vitest'
import { serve, talk, users } from './http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from './index.ts'

afterEach(() => void vi.useRealTimers())

const Line = Type.Object({ text: Type.String({ minLength: 1 }) })
const Count = Type.Object({ count: Type.Integer() })

const lines = contract('demo.v1.Lines', {
  count: { input: stream(Line), output: Count, http: 'POST /v1/lines' },
  first: { input: stream(Line), output: Line, http: { route: 'PUT /v1/lines:first', status: 201 } },
  echo: { input: stream(Line), output: stream(Line), http: 'POST /v1/lines:echo' },
  secret: { input: stream(Line), output: Count, http: 'PATCH /v1/lines', access: 'authenticated' },
  one: { input: Line, output: Line, http: 'POST /v1/line' },
})

async function start() {
  const taken: string[] = []
  const going = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  const began = Promise.withResolvers<AbortSignal>()
  const handler = defineHandler(lines, () => ({
    count: async (items, call) => {
      let count = 0
      began.resolve(call.signal)
      try {
        for await (const { text } of items) {
          count += 1
          taken.push(text)
          if (text === 'wait') await going.promise
        }
      } catch (error) {
        ended.resolve(error)
        throw error
      }
      return { count }
    },
    first: async (items) => {
      for await (const item of items) return item
      return { text: 'none' }
    },
    echo: async function* (items) {
      try {
        for await (const { text } of items) yield { text: text.toUpperCase() }
      } finally {
        ended.resolve('closed')
      }
    },
    secret: async () => ({ count: 0 }),
    one: async (item) => item,
  }))
  const service = defineService({
    name: 'lines',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ port: 0, bodyLimitBytes: 100_000 })],
    authenticate: () => undefined,
    defaultAccess: 'public',
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    taken,
    started,
    began: began.promise,
    ended: ended.promise,
    go: going.resolve,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

const type = 'application/x-ndjson'
const lineOf = (text: string) => `${JSON.stringify({ text })}\n`

/** A request whose body goes on until the test ends it. */
function open(port: number, path: string, method = 'POST'): ClientRequest {
  const headers = { 'content-type': type }
  const request = send({ port, host: '127.0.0.1', path, method, agent: false, headers })
  request.on('error', () => undefined)
  request.flushHeaders()
  return request
}

async function replyTo(request: ClientRequest): Promise<IncomingMessage> {
  const [reply] = (await once(request, 'response')) as [IncomingMessage]
  return reply.setEncoding('utf8')
}

async function textOf(reply: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of reply) text += String(chunk)
  return text
}

async function* inChunks(...chunks: readonly string[]) {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

const chunkOf = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

const post = (body: string | ReadableStream | null, contentType?: string) => ({
  method: 'POST',
  body,
  headers: contentType === undefined ? {} : { 'content-type': contentType },
})

test('lines of JSON are the items of an input stream, answered by one value', async () => {
  await using demo = await start()
  const body = ReadableStream.from(inChunks('{"text":"a"}\n{"te', 'xt":"b"}\n\n', '{"text":"c"}'))
  const reply = await fetch(`${demo.url}/v1/lines`, { ...post(body, type), duplex: 'half' } as RequestInit)
  expect([reply.status, await reply.json(), demo.taken]).toEqual([200, { count: 3 }, ['a', 'b', 'c']])
  const none = await fetch(`${demo.url}/v1/lines`, post(null))
  expect(await none.json()).toEqual({ count: 0 })
  const empty = await fetch(`${demo.url}/v1/lines:first`, { ...post('', type), method: 'PUT' })
  expect([empty.status, await empty.json()]).toEqual([201, { text: 'none' }])
})

test('a body of another type is 415, beside operations that read it whole', async () => {
  await using demo = await start()
  for (const contentType of ['application/json', 'nonsense']) {
    const reply = await fetch(`${demo.url}/v1/lines`, post('{"text":"a"}', contentType))
    expect([contentType, reply.status]).toEqual([contentType, 415])
  }
  const one = await fetch(`${demo.url}/v1/line`, post('{"text":"a"}', 'application/json'))
  expect([one.status, await one.json()]).toEqual([200, { text: 'a' }])
  expect((await fetch(`${demo.url}/v1/line`, post('{"text":"a"}', type))).status).toBe(415)
})

test.each([
  ['is no JSON', '{"text"\n', 400, { reason: 'undecodable', errors: [{ field: '/1' }] }],
  ['does not fit', '{"text":""}\n', 400, { code: 'invalid_argument', errors: [{ field: '/1/text' }] }],
  ['is too long', 'x'.repeat(100_001), 413, { code: 'resource_exhausted', reason: 'body_too_large' }],
])('a line that %s is answered while the caller still sends', async (_what, line, status, problem) => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines')
  request.write(lineOf('a') + line)
  const reply = await replyTo(request)
  expect([reply.statusCode, JSON.parse(await textOf(reply))]).toMatchObject([status, problem])
  request.destroy()
})

test('who may not call is answered before anything is read, and its connection serves the next request', async () => {
  await using demo = await start()
  const socket = connect(demo.port, '127.0.0.1').setEncoding('utf8')
  const head = `HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n`
  socket.write(`PATCH /v1/lines ${head}content-length: 200000\r\n\r\n`)
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 401 /)
  socket.write('x'.repeat(200_000))
  socket.write(`PUT /v1/lines:first ${head}content-length: 13\r\n\r\n${lineOf('a')}`)
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 201 [^]*\{"text":"a"\}$/)
  socket.destroy()
})

test('a handler that needs no more answers at once; the rest is dropped, and the connection serves the next request', async () => {
  await using demo = await start()
  const socket = connect(demo.port, '127.0.0.1').setEncoding('utf8')
  const head = `PUT /v1/lines:first HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
  for (const first of ['a', 'b']) {
    socket.write(head + chunkOf(lineOf(first)))
    expect(String(await once(socket, 'data'))).toMatch(new RegExp(`^HTTP/1.1 201 [^]*\\{"text":"${first}"\\}$`))
    for (let count = 0; count < 50; count += 1)
      await new Promise((resolve) => socket.write(chunkOf(lineOf('x'.repeat(50_000))), resolve))
    socket.write('0\r\n\r\n')
  }
  socket.destroy()
})

test('both directions flow at once', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines:echo')
  const reply = await replyTo(request)
  expect(reply.headers['content-type']).toContain(type)
  for (const text of ['a', 'b', 'c']) {
    const answer = once(reply, 'data')
    request.write(lineOf(text))
    expect(await answer).toEqual([lineOf(text.toUpperCase())])
  }
  request.end()
  expect(await textOf(reply)).toBe('')
})

test('what is wrong with a line ends a stream that is under way with the problem', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines:echo')
  request.write(`${lineOf('a')}{}\n`)
  const [first, last] = (await textOf(await replyTo(request))).split('\n')
  expect(first).toBe('{"text":"A"}')
  expect(JSON.parse(last ?? '')).toMatchObject({ error: { code: 'invalid_argument', errors: [{ field: '/1/text' }] } })
  request.destroy()
})

test('a caller that leaves ends the iteration and the call', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines')
  request.write(lineOf('a'))
  const signal = await demo.began
  request.destroy()
  expect(await demo.ended).toMatchObject({ code: 'cancelled' })
  expect(signal.aborted).toBe(true)
})

test('a caller that leaves while both directions flow closes the handler', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines:echo')
  request.write(lineOf('a'))
  await once(await replyTo(request), 'data')
  request.destroy()
  expect(await demo.ended).toBe('closed')
})

test('a handler that does not ask holds its caller back', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines')
  const total = 2000
  let written = 0
  const writing = (async () => {
    request.write(lineOf('wait'))
    for (; written < total; written += 1) {
      if (!request.write(lineOf('x'.repeat(50_000)))) await once(request, 'drain')
    }
    request.end()
  })()
  // Other requests are answered after every buffer on the way has been filled.
  for (let before = -1; before !== written || demo.taken.length === 0; ) {
    before = written
    await (await fetch(`${demo.url}/v1/line`, post('{"text":"a"}', 'application/json'))).text()
  }
  expect(demo.taken).toEqual(['wait'])
  expect(written).toBeLessThan(total)
  demo.go()
  expect(await textOf(await replyTo(request))).toBe(JSON.stringify({ count: total + 1 }))
  await writing
})

test('a stream may take as long as it likes to arrive, a head and any other body may not', async () => {
  const limits = async (served: Contract) => {
    let native: FastifyInstance['server'] | undefined
    await using _demo = await serve({}, { configure: ({ server }) => (native = server) }, served)
    return [native?.headersTimeout, native?.requestTimeout]
  }
  expect(await limits(lines as Contract)).toEqual([60_000, 0])
  expect(await limits(users as Contract)).toEqual([60_000, 300_000])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const arriving = Promise.withResolvers<void>()
  const configure: HttpOptions['configure'] = (fastify) => {
    fastify.addHook('preParsing', (_request, _reply, payload, done) => {
      done(null, payload)
      arriving.resolve()
    })
  }
  await using demo = await serve({}, { configure }, lines as Contract)
  const said = talk(demo.port, 'POST /v1/line HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{')
  await arriving.promise
  vi.advanceTimersByTime(300_000)
  expect(await said).toMatch(/^HTTP\/1.1 408 [^]*"reason":"request_timeout"/)
})

test('a drain waits for an input stream that goes on', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/lines')
  request.write(lineOf('a'))
  await demo.began
  const stopped = demo.started.stop()
  request.end(lineOf('b'))
  const reply = await replyTo(request)
  expect([reply.statusCode, await textOf(reply)]).toEqual([200, '{"count":2}'])
  expect((await stopped).exitCode).toBe(0)
})
