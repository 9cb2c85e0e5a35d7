import { connect } from 'node:net'
import { defineHandler, defineService } from '@tenon/core'
import { contract, formPart, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { jsonOf } from './http-transport.test-harness.ts'
import { type HttpOptions, httpTransport } from './index.ts'

const Line = Type.Object({ text: Type.String() })
const Nothing = Type.Object({})

const uploads = contract('demo.v1.Uploads', {
  form: { input: stream(formPart()), output: Nothing, http: 'POST /v1/forms' },
  lines: { input: stream(Line), output: Nothing, http: 'POST /v1/lines' },
  echo: { input: stream(Line), output: stream(Line), http: 'POST /v1/echoes' },
  look: { input: Nothing, output: Nothing, http: 'GET /v1/look' },
})

async function readAll(items: AsyncIterable<unknown>) {
  for await (const _item of items);
  return {}
}

async function start(options: HttpOptions) {
  const handler = defineHandler(uploads, () => ({
    form: readAll,
    lines: readAll,
    async *echo(items) {
      yield* items
    },
    look: () => ({}),
  }))
  const service = await defineService({
    name: 'uploads',
    version: '1.0.0',
    handlers: [handler],
    transports: () => [httpTransport({ port: 0, ...options })],
    admin: false,
    maxConcurrentCalls: 1,
    maxQueuedCalls: 0,
    log: { level: 'fatal' },
  }).start()
  const port = service.addresses[0]?.port ?? 0
  return { port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (await service.stop()) }
}

/** What the server says until it matches: the connection is kept for a while, because the caller may still be sending. */
async function talkUntil(port: number, text: string, pattern: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(text)
  let said = ''
  for await (const chunk of socket) {
    said += String(chunk)
    if (pattern.test(said)) break
  }
  return said
}

const post = (path: string, type: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`
const ndjson = 'application/x-ndjson'

test.each([
  ['a form', post('/v1/forms', 'multipart/form-data; boundary=a')],
  ['lines', post('/v1/lines', ndjson)],
  ['half a line', `${post('/v1/lines', ndjson)}3\r\n{"t\r\n`],
])('%s of which nothing more comes is answered 408, and its place is free again', async (_what, bytes) => {
  await using demo = await start({ inputIdleTimeoutMs: 50 })
  const told = /^HTTP\/1.1 408 [^]*"code":"deadline_exceeded","reason":"request_timeout"/
  expect(await talkUntil(demo.port, bytes, told)).toMatch(told)
  expect(await jsonOf(await fetch(`${demo.url}/v1/look`))).toEqual({})
})

test('a stream that was answered already ends with the problem', async () => {
  await using demo = await start({ inputIdleTimeoutMs: 50 })
  const told = /^HTTP\/1.1 200 [^]*\{"text":"a"\}\n[^]*"error":\{[^]*"reason":"request_timeout"/
  const bytes = `${post('/v1/echoes', ndjson)}d\r\n{"text":"a"}\n\r\n`
  expect(await talkUntil(demo.port, bytes, told)).toMatch(told)
})
