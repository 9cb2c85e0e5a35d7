import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http'
import { defineHandler, defineService, readParts } from '@tenon/core'
import { bytes, contract, formPart, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'
import { optionsFor, type Protocol } from './stream-caller.test-harness.ts'

const Stored = Type.Object({
  name: Type.String(),
  byteCount: Type.Integer(),
  hash: Type.String(),
  itemCount: Type.Optional(Type.Integer()),
  version: Type.Optional(Type.Integer()),
})
const fileId = Type.String()
const chunk = bytes({ mediaType: 'video/mp4' })
const Line = Type.Object({ fileId, text: Type.String() })

const files = contract('demo.file.v1.FileService', {
  put: {
    input: stream(Type.Object({ fileId, version: Type.Optional(Type.Integer()), chunk })),
    output: Stored,
    http: { route: 'PUT /v1/files/:fileId', query: ['version'], upload: { maxBytes: 50_000_000 } },
  },
  rename: { input: Type.Object({ fileId, name: Type.String() }), output: Line, http: 'PUT /v1/files/:fileId:rename' },
  small: {
    input: stream(Type.Object({ chunk: bytes({ mediaType: 'text/plain', maxLength: 1_000 }) })),
    output: Stored,
    http: { route: 'POST /v1/small', upload: { maxBytes: 100_000 } },
  },
  post: {
    input: stream(formPart({ fileId })),
    output: Type.Object({ parts: Type.Array(Stored) }),
    http: {
      route: 'POST /v1/albums/:fileId',
      upload: { maxBytes: 40_000_000, maxPartBytes: 20_000_000, maxPartCount: 4 },
    },
  },
  note: { input: stream(Line), output: Type.Array(Line), http: 'POST /v1/files/:fileId/notes', grpc: false },
  secret: { input: stream(formPart()), output: Stored, http: 'POST /v1/secret', access: 'authenticated' },
})

async function hashOf(name: string, chunks: AsyncIterable<Uint8Array>) {
  const hash = createHash('sha256')
  let byteCount = 0
  for await (const piece of chunks) {
    byteCount += piece.length
    hash.update(piece)
  }
  return { name, byteCount, hash: hash.digest('hex') }
}

async function start(protocol: Protocol = 'HTTP/1.1') {
  const began = Promise.withResolvers<AbortSignal>()
  const going = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<unknown>()
  let takenBytes = 0
  const handler = defineHandler(files, () => ({
    put: async (items, call) => {
      const all: { fileId: string; version?: number | undefined }[] = []
      began.resolve(call.signal)
      const chunks = async function* () {
        for await (const item of items) {
          all.push(item)
          takenBytes += item.chunk.length
          yield item.chunk
          if (item.fileId === 'slow') await going.promise
        }
      }
      try {
        const stored = await hashOf([...new Set(all.map((item) => item.fileId))].join(), chunks())
        const [first] = all
        return {
          ...stored,
          name: [...new Set(all.map((item) => item.fileId))].join(),
          itemCount: all.length,
          version: first?.version ?? 0,
        }
      } catch (error) {
        ended.resolve(error)
        throw error
      }
    },
    rename: async ({ fileId, name }) => ({ fileId, text: name }),
    small: async (items) => {
      const lengths: number[] = []
      const chunks = async function* () {
        for await (const item of items) {
          lengths.push(item.chunk.length)
          yield item.chunk
        }
      }
      const stored = await hashOf('small', chunks())
      return { ...stored, itemCount: Math.max(...lengths) }
    },
    post: async (items, call) => {
      const parts: Awaited<ReturnType<typeof hashOf>>[] = []
      began.resolve(call.signal)
      try {
        for await (const part of readParts(items)) {
          if (part.name === 'skip') continue
          const about = [part.item.fileId, part.name, part.filename, part.contentType].join('|')
          parts.push(await hashOf(about, part.content))
        }
      } catch (error) {
        ended.resolve(error)
        throw error
      }
      return { parts }
    },
    note: async (items) => {
      const all: { fileId: string; text: string }[] = []
      for await (const item of items) all.push(item)
      return all
    },
    secret: async () => ({ name: '', byteCount: 0, hash: '' }),
  }))
  const service = defineService({
    name: 'file',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ ...optionsFor[protocol], bodyLimitBytes: 10_000 })],
    authenticate: () => undefined,
    defaultAccess: 'public',
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    began: began.promise,
    ended: ended.promise,
    go: going.resolve,
    takenBytes: () => takenBytes,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

function upload(body: string | Uint8Array<ArrayBuffer>, type?: string, method = 'PUT'): RequestInit {
  return { method, body, ...(type !== undefined && { headers: { 'content-type': type } }) }
}

/** A request whose body goes on until the test ends it. */
function open(port: number, path: string, headers: Record<string, string>, method = 'PUT'): ClientRequest {
  const request = send({ port, host: '127.0.0.1', path, method, agent: false, headers })
  request.on('error', () => undefined)
  request.flushHeaders()
  return request
}

async function answerTo(
  request: ClientRequest,
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  const [reply] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const piece of reply) chunks.push(piece as Buffer)
  return { status: reply.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) }
}

test('a body of bytes comes in pieces, the fields of path and query with each', async () => {
  await using demo = await start()
  const data = randomBytes(9_000_000)
  const reply = await fetch(`${demo.url}/v1/files/42?version=7`, upload(data, 'video/mp4'))
  const body = (await reply.json()) as { itemCount: number }
  expect([reply.status, body]).toEqual([
    200,
    { name: '42', version: 7, byteCount: data.length, hash: sha256(data), itemCount: expect.any(Number) },
  ])
  expect(body.itemCount).toBeGreaterThan(10)
})

test('a body of bytes comes over HTTP/2 as it does over HTTP/1.1', async () => {
  await using demo = await start('HTTP/2')
  const data = randomBytes(3_000_000)
  const session = connect(`https://127.0.0.1:${demo.port}`, { rejectUnauthorized: false })
  const call = session.request({ ':method': 'PUT', ':path': '/v1/files/42', 'content-type': 'video/mp4' })
  call.end(data)
  let text = ''
  for await (const piece of call.setEncoding('utf8')) text += String(piece)
  session.destroy()
  expect(JSON.parse(text)).toMatchObject({ name: '42', byteCount: data.length, hash: sha256(data) })
})

test('a piece is never longer than the schema allows', async () => {
  await using demo = await start()
  const data = randomBytes(99_999)
  const reply = await fetch(`${demo.url}/v1/small`, upload(data, 'text/plain; charset=utf-8', 'POST'))
  expect(await reply.json()).toMatchObject({ byteCount: 99_999, hash: sha256(data), itemCount: 1_000 })
})

test('no bytes are one item without any, so that the handler learns of the rest', async () => {
  await using demo = await start()
  const empty = { name: '42', byteCount: 0, itemCount: 1 }
  for (const init of [{ method: 'PUT' }, upload(new Uint8Array(), 'video/mp4')])
    expect(await (await fetch(`${demo.url}/v1/files/42`, init)).json()).toMatchObject(empty)
})

test('bytes of another type are 415, and a field that is none is 400', async () => {
  await using demo = await start()
  for (const type of ['application/json', 'video/mp44'])
    expect([type, (await fetch(`${demo.url}/v1/files/42`, upload('x', type))).status]).toEqual([type, 415])
  const bad = await fetch(`${demo.url}/v1/files/42?version=x`, upload('x', 'video/mp4'))
  expect([bad.status, await bad.json()]).toEqual([
    400,
    expect.objectContaining({ errors: [expect.objectContaining({ field: '/0/version' })] }),
  ])
})

test('an operation that reads its body whole shares a path with one that does not', async () => {
  await using demo = await start()
  const reply = await fetch(`${demo.url}/v1/files/42:rename`, upload('{"name":"a"}', 'application/json'))
  expect([reply.status, await reply.json()]).toEqual([200, { fileId: '42', text: 'a' }])
  const long = await fetch(
    `${demo.url}/v1/files/42:rename`,
    upload(JSON.stringify({ name: 'x'.repeat(20_000) }), 'application/json'),
  )
  expect([long.status, await long.json()]).toEqual([413, expect.objectContaining({ reason: 'body_too_large' })])
  const none = await fetch(`${demo.url}/v1/files/42:rename`, { method: 'PUT' })
  expect([none.status, await none.json()]).toEqual([
    400,
    expect.objectContaining({ errors: [expect.objectContaining({ field: '/name' })] }),
  ])
})

test('bytes beyond the limit are 413, at once where the caller announces them', async () => {
  await using demo = await start()
  const announced = open(demo.port, '/v1/small', { 'content-type': 'text/plain', 'content-length': '100001' }, 'POST')
  const problem = { status: 413, body: { reason: 'body_too_large', detail: 'the body must be at most 100000 bytes' } }
  expect(await answerTo(announced)).toMatchObject(problem)
  announced.destroy()
  const chunked = open(demo.port, '/v1/small', { 'content-type': 'text/plain' }, 'POST')
  chunked.write(randomBytes(100_001))
  expect(await answerTo(chunked)).toMatchObject(problem)
  chunked.destroy()
})

test('a handler that reads slowly holds its caller back', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/files/slow', { 'content-type': 'video/mp4' })
  const piece = randomBytes(100_000)
  const total = 400
  let written = 0
  const writing = (async () => {
    for (; written < total; written += 1) if (!request.write(piece)) await once(request, 'drain')
    request.end()
  })()
  for (let before = -1; before !== written || demo.takenBytes() === 0; ) {
    before = written
    await (await fetch(`${demo.url}/v1/files/1`, upload('x', 'video/mp4'))).text()
  }
  expect(written).toBeLessThan(total)
  expect(demo.takenBytes()).toBeLessThan(1_000_000)
  demo.go()
  expect(await answerTo(request)).toMatchObject({ status: 200, body: { byteCount: total * piece.length } })
  await writing
})

test.each([
  ['bytes', '/v1/files/42', 'PUT', 'video/mp4', 'x'.repeat(1000)],
  [
    'a form',
    '/v1/albums/42',
    'POST',
    'multipart/form-data; boundary=b',
    '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nxxx',
  ],
])('a caller that leaves in the middle of %s ends the call', async (_what, path, method, type, text) => {
  await using demo = await start()
  const request = open(demo.port, path, { 'content-type': type }, method)
  request.write(text)
  const signal = await demo.began
  request.destroy()
  expect(await demo.ended).toMatchObject({ code: 'cancelled' })
  expect(signal.aborted).toBe(true)
})

test('a form comes in parts, with content of any size', async () => {
  await using demo = await start()
  const video = randomBytes(9_000_000)
  const image = randomBytes(300_000)
  const form = new FormData()
  form.append('title', 'holidays ünd more')
  form.append('file', new Blob([video], { type: 'video/mp4' }), 'a "b".mp4')
  form.append('skip', new Blob([image]), 'c.bin')
  form.append('file', new Blob([image]), 'c.bin')
  const reply = await fetch(`${demo.url}/v1/albums/7`, { method: 'POST', body: form })
  const title = Buffer.from('holidays ünd more')
  expect([reply.status, await reply.json()]).toEqual([
    200,
    {
      parts: [
        { name: '7|title||', byteCount: title.length, hash: sha256(title) },
        { name: '7|file|a "b".mp4|video/mp4', byteCount: video.length, hash: sha256(video) },
        { name: '7|file|c.bin|application/octet-stream', byteCount: image.length, hash: sha256(image) },
      ],
    },
  ])
})

const formType = 'multipart/form-data; boundary=b'
const partOf = (name: string, content: string) =>
  `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${content}\r\n`

test('a form may be empty, or nothing at all', async () => {
  await using demo = await start()
  for (const init of [{ method: 'POST' }, upload('', formType, 'POST'), upload('--b--', formType, 'POST')])
    expect(await (await fetch(`${demo.url}/v1/albums/7`, init)).json()).toEqual({ parts: [] })
})

test.each([
  ['without a boundary', 'multipart/form-data', partOf('a', '1'), 400, { reason: 'malformed_header' }],
  ['with a boundary that is none', 'multipart/form-data; boundary="ä"', '--b--', 400, { reason: 'malformed_header' }],
  ['of another type', 'application/x-www-form-urlencoded', 'a=1', 415, { reason: 'unsupported_media_type' }],
  ['that is no form', formType, 'hello', 400, { code: 'invalid_argument', errors: [{ field: '/parts/0' }] }],
  ['without its end', formType, partOf('a', '1'), 400, { errors: [{ field: '/parts/0' }] }],
  [
    'with a part that has no name',
    formType,
    `${partOf('a', '1')}--b\r\n\r\n1`,
    400,
    { errors: [{ field: '/parts/1' }] },
  ],
  [
    'with a flood of header fields',
    formType,
    `--b\r\n${'x: y\r\n'.repeat(5_000)}`,
    400,
    { errors: [{ field: '/parts/0' }] },
  ],
  ['with too many parts', formType, partOf('a', '1').repeat(5), 413, { reason: 'too_many_parts' }],
])('a form %s is refused, naming what is wrong', async (_what, type, text, status, problem) => {
  await using demo = await start()
  const reply = await fetch(`${demo.url}/v1/albums/7`, upload(text, type, 'POST'))
  expect([reply.status, await reply.json()]).toMatchObject([status, problem])
})

test('a part beyond its limit is 413, while the caller still sends', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/albums/7', { 'content-type': formType }, 'POST')
  request.write(partOf('a', '1') + partOf('b', '').slice(0, -2))
  for (let count = 0; count < 21; count += 1) request.write(randomBytes(1_000_000))
  expect(await answerTo(request)).toMatchObject({
    status: 413,
    body: { reason: 'body_too_large', errors: [{ field: '/parts/1', rule: 'maxBytes' }] },
  })
  request.destroy()
})

test('who may not call is answered before anything of a form is read', async () => {
  await using demo = await start()
  const request = open(demo.port, '/v1/secret', { 'content-type': 'multipart/form-data' }, 'POST')
  expect(await answerTo(request)).toMatchObject({ status: 401 })
  request.destroy()
})

test('fields of the path come with every line, and no line may say otherwise', async () => {
  await using demo = await start()
  const post = (text: string) => fetch(`${demo.url}/v1/files/a%2Fb/notes`, upload(text, 'application/x-ndjson', 'POST'))
  const reply = await post('{"text":"1"}\n{"text":"2","fileId":"a/b"}')
  expect(await reply.json()).toEqual(['1', '2'].map((text) => ({ fileId: 'a/b', text })))
  const other = await post('{"text":"1"}\n{"text":"2","fileId":"c"}')
  expect([other.status, await other.json()]).toMatchObject([
    400,
    { errors: [{ field: '/1/fileId', rule: 'location' }] },
  ])
  const odd = await post('7')
  expect([odd.status, await odd.json()]).toMatchObject([400, { errors: [{ field: '/0', rule: 'type' }] }])
})
