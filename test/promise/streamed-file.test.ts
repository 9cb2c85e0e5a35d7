import { createHash, randomBytes } from 'node:crypto'
import { defineHandler, defineService, readParts, selectRange } from '@tenon/core'
import { buildClient } from '@tenon/core/client'
import { bytes, type Contract, contract, contractInfo, formPart, stream } from '@tenon/core/contract'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { expect, test } from 'vitest'

// One handler takes forms and gives parts of files, whether browsers call it or other services do.

const Part = Type.Object({ albumId: Type.String(), name: Type.String(), filename: Type.String(), hash: Type.String() })

const albums = contract('test.album.v1.AlbumService', {
  upload: {
    input: stream(formPart({ albumId: Type.String() })),
    output: Type.Object({ parts: Type.Array(Part) }),
    http: 'POST /v1/albums/:albumId',
  },
  download: {
    input: Type.Object({}),
    output: stream(Type.Object({ chunk: bytes({ mediaType: 'image/png' }) })),
    http: 'GET /v1/image',
  },
})

const image = randomBytes(1_000_000)
const sha256 = (...chunks: readonly Uint8Array[]) => createHash('sha256').update(Buffer.concat(chunks)).digest('hex')

const handler = defineHandler(albums, () => ({
  upload: async (items) => {
    const parts: { albumId: string; name: string; filename: string; hash: string }[] = []
    for await (const part of readParts(items)) {
      const { item, name, filename = '' } = part
      parts.push({ albumId: item.albumId, name, filename, hash: sha256(await part.bytes(image.length)) })
    }
    return { parts }
  },
  download: async function* (_input, call) {
    const { startByte, endByte } = selectRange(call, { sizeBytes: image.length, etag: '"1"' })
    for (let at = startByte; at < endByte; at += 100_000)
      yield { chunk: image.subarray(at, Math.min(at + 100_000, endByte)) }
  },
}))

async function start() {
  const service = defineService({
    name: 'album',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const [http, grpc] = started.addresses
  const contractToCall = contractInfo(albums as Contract)
  const channel = grpcClient().open({ contract: contractToCall, address: `127.0.0.1:${grpc?.port}` })
  return {
    url: `http://127.0.0.1:${http?.port}`,
    client: buildClient(albums, channel),
    [Symbol.asyncDispose]: async () => {
      await channel.close()
      await started.stop()
    },
  }
}

const expected = [
  { albumId: '7', name: 'title', filename: '', hash: sha256(Buffer.from('holidays')) },
  { albumId: '7', name: 'file', filename: 'a.png', hash: sha256(image) },
]

test('a form of a browser comes in parts', async () => {
  await using demo = await start()
  const body = new FormData()
  body.append('title', 'holidays')
  body.append('file', new Blob([image], { type: 'image/png' }), 'a.png')
  const reply = await fetch(`${demo.url}/v1/albums/7`, { method: 'POST', body })
  expect([reply.status, await reply.json()]).toEqual([200, { parts: expected }])
})

test('the same comes in messages of gRPC', async () => {
  await using demo = await start()
  const albumId = '7'
  const items = function* () {
    yield { albumId, part: { name: 'title' }, chunk: Buffer.from('holidays') }
    yield { albumId, part: { name: 'file', filename: 'a.png', contentType: 'image/png' } }
    for (let at = 0; at < image.length; at += 60_000) yield { albumId, chunk: image.subarray(at, at + 60_000) }
  }
  expect(await demo.client.upload(items())).toEqual({ parts: expected })
})

test('a part of a file is given over both', async () => {
  await using demo = await start()
  const range = 'bytes=250000-749999'
  const reply = await fetch(`${demo.url}/v1/image`, { headers: { range } })
  const overHttp = new Uint8Array(await reply.arrayBuffer())
  const chunks: Uint8Array[] = []
  for await (const { chunk } of demo.client.download({}, { metadata: { range } })) chunks.push(chunk)
  expect([reply.status, sha256(overHttp), sha256(...chunks)]).toEqual([
    206,
    ...Array.from({ length: 2 }, () => sha256(image.subarray(250_000, 750_000))),
  ])
})
