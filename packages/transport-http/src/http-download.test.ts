import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineHandler, defineService, fault, selectRange } from '@tenon/core'
import { bytes, contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { httpTransport } from './index.ts'
import { optionsFor, type Protocol, protocols, StreamCaller } from './stream-caller.test-harness.ts'

const Name = Type.Object({ name: Type.String() })
const mediaType = 'application/octet-stream'
const pieces = stream(Type.Object({ chunk: bytes({ mediaType }) }))

const files = contract('demo.file.v1.FileService', {
  /** Gives the whole, and leaves the range to the transport. */
  get: {
    input: Name,
    output: stream(bytes({ mediaType })),
    errors: ['not_found'],
    http: 'GET /v1/files/:name',
    grpc: false,
  },
  /** Reads the part that is asked for from a file. */
  read: { input: Name, output: pieces, http: 'GET /v1/disk/:name' },
  convert: { input: Type.Object({}), output: pieces, http: { route: 'POST /v1/conversions', status: 201 } },
})

const film = randomBytes(6_000_000)
const chunkBytes = 50_000
const etag = '"v1"'
const modified = 'Sun, 05 May 2024 06:07:08 GMT'

async function start(protocol: Protocol = 'HTTP/1.1') {
  const folder = await mkdtemp(join(tmpdir(), 'download-'))
  await writeFile(join(folder, 'film'), film)
  const began = Promise.withResolvers<AbortSignal>()
  const closed = Promise.withResolvers<number>()
  let givenBytes = 0
  let readBytes = 0
  const handler = defineHandler(files, () => ({
    get: async function* ({ name }, call) {
      began.resolve(call.signal)
      if (name === 'none') throw fault(files.get, 'not_found', 'no such file')
      if (name !== 'unsized') call.setHeader('Content-Length', name === 'odd' ? 'many' : String(film.length))
      call.setHeader('etag', etag)
      call.setHeader('last-modified', modified)
      if (name === 'named') {
        call.setHeader('content-type', 'video/mp4')
        call.setHeader('content-disposition', 'attachment; filename="film.mp4"')
      }
      try {
        for (let at = 0; at < film.length; at += chunkBytes) {
          if (name === 'short' && at >= 1_000_000) return
          if (name === 'broken' && at >= 1_000_000) throw new Error('the disk is gone')
          givenBytes += chunkBytes
          yield film.subarray(at, at + chunkBytes)
        }
        if (name === 'long') yield Buffer.from('more')
      } finally {
        closed.resolve(givenBytes)
      }
    },
    read: async function* (_input, call) {
      const { startByte, endByte } = selectRange(call, {
        sizeBytes: film.length,
        etag,
        modifiedAt: Date.parse(modified),
      })
      for await (const chunk of createReadStream(join(folder, 'film'), { start: startByte, end: endByte - 1 })) {
        readBytes += (chunk as Buffer).length
        yield { chunk: chunk as Buffer }
      }
    },
    convert: async function* (_input, call) {
      call.setHeader('content-length', '3')
      yield { chunk: Buffer.from('abc') }
    },
  }))
  const service = defineService({
    name: 'file',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport(optionsFor[protocol])],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const caller = new StreamCaller(protocol, started.addresses[0]?.port ?? 0)
  return {
    caller,
    began: began.promise,
    closed: closed.promise,
    givenBytes: () => givenBytes,
    readBytes: () => readBytes,
    [Symbol.asyncDispose]: async () => {
      caller[Symbol.dispose]()
      await started.stop()
      await rm(folder, { recursive: true })
    },
  }
}

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
const range = (text: string, more: Readonly<Record<string, string>> = {}) => ({ headers: { range: text, ...more } })

describe.each(protocols)('over %s', (protocol) => {
  test.each(['/v1/files/film', '/v1/disk/film'])('%s is downloaded whole', async (path) => {
    await using demo = await start(protocol)
    const { status, headers, body } = await demo.caller.ask(path)
    expect([status, sha256(body)]).toEqual([200, sha256(film)])
    expect(headers).toMatchObject({
      'content-type': mediaType,
      'content-length': String(film.length),
      'accept-ranges': 'bytes',
      etag,
      'last-modified': modified,
    })
    expect(headers).not.toHaveProperty('content-range')
  })

  test('what has no known size is downloaded whole, and in no part', async () => {
    await using demo = await start(protocol)
    const { status, headers, body } = await demo.caller.ask('/v1/files/unsized', range('bytes=0-1'))
    expect([status, sha256(body)]).toEqual([200, sha256(film)])
    expect(headers).not.toHaveProperty('content-length')
    expect(headers).not.toHaveProperty('accept-ranges')
  })

  test.each(['/v1/files/film', '/v1/disk/film'])('%s is downloaded in parts', async (path) => {
    await using demo = await start(protocol)
    const size = film.length
    for (const [asked, first, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=123456-3456789', 123_456, 3_456_790],
      ['bytes=5999999-', 5_999_999, size],
      ['bytes=-1000', size - 1000, size],
      [`bytes=100-${size * 2}`, 100, size],
    ] as const) {
      const { status, headers, body } = await demo.caller.ask(path, range(asked))
      expect([asked, status, headers['content-range'], headers['content-length']]).toEqual([
        asked,
        206,
        `bytes ${first}-${end - 1}/${size}`,
        String(end - first),
      ])
      expect([asked, sha256(body)]).toEqual([asked, sha256(film.subarray(first, end))])
    }
  })

  test.each(['/v1/files/film', '/v1/disk/film'])('%s has no part beyond its end', async (path) => {
    await using demo = await start(protocol)
    const { status, headers, body } = await demo.caller.ask(path, range(`bytes=${film.length}-`))
    expect([status, headers['content-range'], headers['accept-ranges']]).toEqual([
      416,
      `bytes */${film.length}`,
      undefined,
    ])
    expect(JSON.parse(body.toString())).toMatchObject({ code: 'out_of_range', reason: 'range_not_satisfiable' })
  })

  test.each(['/v1/files/film', '/v1/disk/film'])('%s has parts for those who know its version', async (path) => {
    await using demo = await start(protocol)
    for (const [version, status] of [
      [etag, 206],
      [modified, 206],
      ['"v0"', 200],
      ['Sun, 05 May 2024 06:07:07 GMT', 200],
    ] as const) {
      const reply = await demo.caller.ask(path, range('bytes=0-9', { 'if-range': version }))
      expect([version, reply.status, reply.body.length]).toEqual([version, status, status === 206 ? 10 : film.length])
    }
  })

  test('several parts, and a range of something else, are the whole', async () => {
    await using demo = await start(protocol)
    for (const asked of ['bytes=0-1,5-6', 'lines=0-1', 'bytes=9-1']) {
      const { status, body } = await demo.caller.ask('/v1/files/film', range(asked))
      expect([asked, status, body.length]).toEqual([asked, 200, film.length])
    }
  })

  test.each(['/v1/files/film', '/v1/disk/film'])('HEAD of %s has the size of the whole', async (path) => {
    await using demo = await start(protocol)
    const { status, headers, body } = await demo.caller.ask(path, { method: 'HEAD', ...range('bytes=0-1') })
    expect([status, headers['content-length'], headers['accept-ranges'], body.length]).toEqual([
      200,
      String(film.length),
      'bytes',
      0,
    ])
    if (path.includes('files')) expect(await demo.closed).toBe(chunkBytes)
  })

  test('a handler that fails before the first piece is answered as any other', async () => {
    await using demo = await start(protocol)
    const { status, headers, body } = await demo.caller.ask('/v1/files/none')
    expect([status, headers['content-type'], JSON.parse(body.toString())]).toMatchObject([
      404,
      'application/problem+json; charset=utf-8',
      { code: 'not_found', detail: 'no such file' },
    ])
    expect((await demo.caller.ask('/v1/files/odd')).status).toBe(500)
  })

  test.each(['broken', 'short'])('a download that ends too early is cut off: %s', async (name) => {
    await using demo = await start(protocol)
    const length = demo.caller.ask(`/v1/files/${name}`).then(({ body }) => body.length)
    await expect(length).rejects.toThrow()
  })

  test('a download ends where it was said to', async () => {
    await using demo = await start(protocol)
    expect(sha256((await demo.caller.ask('/v1/files/long')).body)).toBe(sha256(film))
  })

  test('a caller that reads slowly holds the handler back, and one that leaves ends it', async () => {
    await using demo = await start(protocol)
    const reply = await demo.caller.open('/v1/files/film')
    await once(reply.body, 'readable')
    // Other requests are answered after every buffer on the way has been filled.
    const other = new StreamCaller(protocol, demo.caller.port)
    for (let before = -1; before !== demo.givenBytes(); ) {
      before = demo.givenBytes()
      await other.ask('/v1/conversions', { method: 'POST' })
    }
    other[Symbol.dispose]()
    expect(demo.givenBytes()).toBeLessThan(film.length)
    const signal = await demo.began
    reply.leave()
    expect(await demo.closed).toBeLessThan(film.length)
    expect(signal.aborted).toBe(true)
  })
})

test('the handler names what is downloaded', async () => {
  await using demo = await start()
  const { headers } = await demo.caller.ask('/v1/files/named')
  expect([headers['content-type'], headers['content-disposition']]).toEqual([
    'video/mp4',
    'attachment; filename="film.mp4"',
  ])
})

test('nothing is given behind the part that was asked for', async () => {
  await using demo = await start()
  await demo.caller.ask('/v1/files/film', range('bytes=10-19'))
  expect(await demo.closed).toBe(chunkBytes)
  await demo.caller.ask('/v1/disk/film', range('bytes=1000000-1000009'))
  expect(demo.readBytes()).toBe(10)
})

test('a download with a status of its own, or for another verb, has no parts', async () => {
  await using demo = await start()
  const { status, headers, body } = await demo.caller.ask('/v1/conversions', { method: 'POST', ...range('bytes=0-0') })
  expect([status, headers['accept-ranges'], body.toString()]).toEqual([201, undefined, 'abc'])
})
