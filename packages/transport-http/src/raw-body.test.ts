import { defineHandler, defineService } from '@tenon/core'
import { bytes, contract, int64, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { httpTransport } from './index.ts'

const Item = Type.Object({ id: int64(), data: bytes() })
const Size = Type.Object({ count: Type.Integer(), isPlain: Type.Boolean() })

const files = contract('demo.file.v1.FileService', {
  putImage: {
    input: Type.Object({
      fileId: int64(),
      version: Type.Optional(int64()),
      data: bytes({ mediaType: 'image/svg+xml', maxLength: 8 }),
    }),
    output: Size,
    http: { route: 'PUT /v1/files/:fileId', query: ['version'] },
  },
  putNote: {
    input: Type.Object({ data: Type.Optional(bytes({ mediaType: 'text/plain' })) }),
    output: Size,
    http: 'POST /v1/notes',
  },
  getImage: {
    input: Type.Object({ fileId: int64() }),
    output: bytes({ mediaType: 'image/png' }),
    http: 'GET /v1/files/:fileId',
    grpc: false,
  },
  getThumbnail: { input: Type.Object({}), output: bytes(), http: 'GET /v1/thumbnail', grpc: false },
  echo: { input: Item, output: Item, http: 'POST /v1/items' },
  find: {
    input: Type.Object({ ids: Type.Array(int64()) }),
    output: Type.Array(Item),
    http: 'GET /v1/items',
    grpc: false,
  },
  watch: { input: Type.Object({}), output: stream(Item), http: 'GET /v1/items:watch' },
  getBroken: { input: Type.Object({}), output: bytes({ mediaType: 'image/png' }), http: 'GET /v1/broken', grpc: false },
})

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0)
const largest = 2n ** 63n - 1n

function sizeOf(data: Uint8Array | undefined) {
  const isPlain = data !== undefined && Object.getPrototypeOf(data) === Uint8Array.prototype
  return { count: data?.length ?? -1, isPlain: isPlain && data.buffer.byteLength === data.length }
}

async function start() {
  const handler = defineHandler(files, () => ({
    putImage: async ({ data, fileId, version }) => ({ ...sizeOf(data), count: Number(fileId + (version ?? 0n)) }),
    putNote: async ({ data }) => sizeOf(data),
    getImage: async ({ fileId }, call) => {
      if (fileId === 2n) call.setHeader('content-type', 'image/x-icon')
      return Buffer.from(png)
    },
    getThumbnail: async () => png,
    echo: async (item) => item,
    find: async ({ ids }) => ids.map((id) => ({ id, data: png.subarray(0, 1) })),
    watch: async function* () {
      yield { id: largest, data: png }
    },
    getBroken: async () => 'text' as never,
  }))
  const service = defineService({
    name: 'file',
    version: '1.0.0',
    admin: false,
    checkOutput: 'never',
    handlers: [handler],
    transports: () => [httpTransport({ port: 0 })],
  })
  const started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
  const url = `http://127.0.0.1:${started.addresses[0]?.port}`
  return { url, [Symbol.asyncDispose]: async () => void (await started.stop()) }
}

const raw = (method: string, body: Uint8Array<ArrayBuffer> | null, type?: string) =>
  ({ method, body, headers: type === undefined ? {} : { 'content-type': type } }) satisfies RequestInit
const violation = (field: string, rule: string) => ({ errors: [expect.objectContaining({ field, rule })] })

test('bytes that are the only field of the body are the body, beside fields of path and query', async () => {
  await using service = await start()
  const reply = await fetch(`${service.url}/v1/files/40?version=2`, raw('PUT', png, 'Image/SVG+XML; charset=utf-8'))
  expect([reply.status, await reply.json()]).toEqual([200, { count: 42, isPlain: true }])
})

test('a body of bytes keeps to its limits and its media type', async () => {
  await using service = await start()
  const long = await fetch(`${service.url}/v1/files/1`, raw('PUT', new Uint8Array(9), 'image/svg+xml'))
  expect([long.status, await long.json()]).toEqual([400, expect.objectContaining(violation('/data', 'maxLength'))])
  for (const type of ['application/json', 'image/svgxml', 'image/svg+xmlx', undefined]) {
    const other = await fetch(`${service.url}/v1/files/1`, raw('PUT', png, type))
    expect([type, other.status]).toEqual([type, 415])
  }
})

test('no body is no field, an empty one of the media type is no bytes', async () => {
  await using service = await start()
  const absent = await fetch(`${service.url}/v1/notes`, raw('POST', null))
  expect(await absent.json()).toEqual({ count: -1, isPlain: false })
  const empty = await fetch(`${service.url}/v1/notes`, raw('POST', new Uint8Array(), 'text/plain'))
  expect(await empty.json()).toEqual({ count: 0, isPlain: true })
  const required = await fetch(`${service.url}/v1/files/1`, raw('PUT', null))
  expect(await required.json()).toMatchObject(violation('/data', 'required'))
})

test('bytes with a media type that are the whole output are the body of the reply', async () => {
  await using service = await start()
  const reply = await fetch(`${service.url}/v1/files/1`)
  expect([reply.headers.get('content-type'), new Uint8Array(await reply.arrayBuffer())]).toEqual(['image/png', png])
  const named = await fetch(`${service.url}/v1/files/2`)
  expect(named.headers.get('content-type')).toBe('image/x-icon')
  const head = await fetch(`${service.url}/v1/files/1`, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '5'])
})

test('bytes without a media type are base64 in JSON', async () => {
  await using service = await start()
  const reply = await fetch(`${service.url}/v1/thumbnail`)
  expect([reply.headers.get('content-type'), await reply.json()]).toEqual([
    'application/json; charset=utf-8',
    'iVBORwA=',
  ])
})

test('an unchecked output that is no bytes is the fault of the service', async () => {
  await using service = await start()
  const reply = await fetch(`${service.url}/v1/broken`)
  expect([reply.status, reply.headers.get('content-type')]).toEqual([500, 'application/problem+json; charset=utf-8'])
})

test('int64 and bytes are text in JSON, in bodies, queries, paths and streams', async () => {
  await using service = await start()
  const item = { id: String(largest), data: 'iVBORwA=' }
  const post = { method: 'POST', body: JSON.stringify(item), headers: { 'content-type': 'application/json' } }
  expect(await (await fetch(`${service.url}/v1/items`, post)).json()).toEqual(item)
  expect(await (await fetch(`${service.url}/v1/items?ids=-1&ids=${largest}`)).json()).toEqual([
    { id: '-1', data: 'iQ==' },
    { id: String(largest), data: 'iQ==' },
  ])
  expect(await (await fetch(`${service.url}/v1/items:watch`)).text()).toBe(`${JSON.stringify(item)}\n`)
  for (const id of ['9223372036854775808', '1.0', '0x1', '1e3'])
    expect([id, (await fetch(`${service.url}/v1/files/${id}`)).status]).toEqual([id, 400])
})
