import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, type RequestOptions, request as send } from 'node:http'
import { promisify } from 'node:util'
import { defineHandler, defineService, readParts } from '@tenon/core'
import { contract, formPart, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'
import { optionsFor, type Protocol, protocols } from './stream-caller.test-harness.ts'

const Seen = Type.Object({
  name: Type.String(),
  filename: Type.Optional(Type.String()),
  contentType: Type.Optional(Type.String()),
  byteCount: Type.Integer(),
})
const Parts = Type.Object({ parts: Type.Array(Seen) })
const upload = { maxBytes: 100_000_000, maxPartBytes: 2_000_000 }
const narrow = { maxPartBytes: 100_000, maxPartCount: 5 }

const forms = contract('demo.form.v1.FormService', {
  all: { input: stream(formPart()), output: Parts, http: { route: 'POST /v1/forms', upload: narrow } },
  first: { input: stream(formPart()), output: Parts, http: { route: 'POST /v1/forms:first', upload } },
  hold: { input: stream(formPart()), output: Parts, http: { route: 'POST /v1/forms:hold', upload } },
})

async function start(protocol: Protocol = 'HTTP/1.1') {
  const began = Promise.withResolvers<AbortSignal>()
  const going = Promise.withResolvers<void>()
  const handler = defineHandler(forms, () => ({
    all: async (items) => {
      const parts: Awaited<ReturnType<typeof see>>[] = []
      for await (const part of readParts(items)) parts.push(await see(part))
      return { parts }
    },
    first: async (items) => {
      for await (const { name } of readParts(items)) return { parts: [{ name, byteCount: 0 }] }
      return { parts: [] }
    },
    hold: async (items, { signal }) => {
      const parts: Awaited<ReturnType<typeof see>>[] = []
      for await (const part of readParts(items)) {
        began.resolve(signal)
        await going.promise
        parts.push(await see(part))
      }
      return { parts }
    },
  }))
  const service = defineService({
    name: 'form',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport(optionsFor[protocol])],
    defaultAccess: 'public',
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    port,
    url: `${protocol === 'HTTP/2' ? 'https' : 'http'}://127.0.0.1:${port}`,
    began: began.promise,
    go: going.resolve,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

async function see(part: {
  readonly name: string
  readonly filename?: string | undefined
  readonly contentType?: string | undefined
  readonly content: AsyncIterable<Uint8Array>
}) {
  const { name, filename, contentType, content } = part
  let byteCount = 0
  for await (const chunk of content) byteCount += chunk.length
  return {
    name,
    byteCount,
    ...(filename !== undefined && { filename }),
    ...(contentType !== undefined && { contentType }),
  }
}

async function curl(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)('curl', ['--silent', '--insecure', '--max-time', '20', ...args])
  return JSON.parse(stdout)
}

const partOf = (name: string, content: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`
const formType = { 'content-type': 'multipart/form-data; boundary=b' }

function post(port: number, path: string, options: RequestOptions = {}) {
  const request = send({ port, host: '127.0.0.1', path, method: 'POST', agent: false, headers: formType, ...options })
  return request.on('error', () => undefined)
}

async function replyTo(request: ReturnType<typeof post>) {
  const [reply] = (await once(request, 'response')) as [IncomingMessage]
  const chunks = (await reply.toArray()) as Buffer[]
  return { status: reply.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown }
}

test.each(protocols)('what curl sends over %s comes as it was meant', async (protocol) => {
  await using demo = await start(protocol)
  const fields = ['-F', 'title=holidays', '-F', 'note={"a":1};type=application/json', '-F', 'f=@package.json;type=x/Y']
  const parts = (last: object) => ({
    parts: [
      { name: 'title', byteCount: 8 },
      { name: 'note', contentType: 'application/json', byteCount: 7 },
      { name: 'f', filename: 'package.json', contentType: 'x/y', byteCount: expect.any(Number) },
      last,
    ],
  })
  const quoted = { name: 'a"b', filename: 'c"d.txt', contentType: 'text/plain', byteCount: expect.any(Number) }
  const file = ['-F', 'a"b=@package.json;filename="c\\"d.txt";type=text/plain']
  expect(await curl(...fields, ...file, `${demo.url}/v1/forms`)).toEqual(parts(quoted))
  expect(await curl('--form-escape', ...fields, ...file, `${demo.url}/v1/forms`)).toEqual(parts(quoted))
})

test.each(protocols)('a form beyond its limits is 413 over %s', async (protocol) => {
  await using demo = await start(protocol)
  const sent = (value: string, count: number) =>
    curl(...Array.from({ length: count }, () => ['-F', `a=${value}`]).flat(), `${demo.url}/v1/forms`)
  expect(await sent('x'.repeat(100_000), 5)).toMatchObject({ parts: { length: 5 } })
  expect(await sent('1', 6)).toMatchObject({ status: 413, reason: 'too_many_parts' })
  expect(await sent('x'.repeat(100_001), 1)).toMatchObject({ status: 413, errors: [{ field: '/parts/0' }] })
})

test('a handler that waits holds back a caller whose parts are all small', async () => {
  await using demo = await start()
  const request = post(demo.port, '/v1/forms:hold')
  const piece = partOf('a', 'x'.repeat(50_000))
  const total = 800
  let written = 0
  const writing = (async () => {
    for (; written < total; written += 1) if (!request.write(piece)) await once(request, 'drain')
    request.end('--b--')
  })()
  const replied = replyTo(request)
  await demo.began
  for (let before = -1; before !== written; ) {
    before = written
    await replyTo(post(demo.port, '/v1/forms').end(`${partOf('a', '1')}--b--`))
  }
  expect(written).toBeLessThan(total)
  demo.go()
  const { status, body } = await replied
  expect(status).toBe(200)
  expect((body as { parts: readonly unknown[] }).parts).toHaveLength(total)
  await writing
})

test('a caller that leaves is noticed while the handler reads nothing', async () => {
  await using demo = await start()
  const request = post(demo.port, '/v1/forms:hold')
  request.write(partOf('a', 'x'.repeat(500_000)))
  request.write(partOf('b', 'x'.repeat(500_000)))
  const signal = await demo.began
  const aborted = signal.aborted ? undefined : once(signal, 'abort')
  request.destroy()
  await aborted
  demo.go()
})

test('a handler that leaves its loop early is answered for, and the connection goes on', async () => {
  await using demo = await start()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const form = `${partOf('a', '1')}${partOf('b', 'x'.repeat(1_500_000)).repeat(2)}--b--`
  for (let count = 0; count < 5; count += 1) {
    const headers = { ...formType, 'content-length': form.length }
    expect(await replyTo(post(demo.port, '/v1/forms:first', { agent, headers }).end(form))).toEqual({
      status: 200,
      body: { parts: [{ name: 'a', byteCount: 0 }] },
    })
  }
  agent.destroy()
})

test('a form that breaks off behind what the handler read harms nothing', async () => {
  await using demo = await start()
  for (const text of ['--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1', partOf('a', '1'), '--b\r\nx'])
    expect((await replyTo(post(demo.port, '/v1/forms:first').end(text))).status).toBe(text.includes('name') ? 200 : 400)
})

test('an extended file name is read', async () => {
  await using demo = await start()
  const head = "content-disposition: form-data; name=f; filename*=UTF-8''%e2%82%ac%20rates.txt"
  const reply = await replyTo(post(demo.port, '/v1/forms').end(`--b\r\n${head}\r\n\r\n1\r\n--b--`))
  expect(reply.body).toEqual({
    parts: [{ name: 'f', filename: '€ rates.txt', contentType: 'text/plain', byteCount: 1 }],
  })
})
