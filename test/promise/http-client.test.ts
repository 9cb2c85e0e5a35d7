import { randomUUID } from 'node:crypto'
import { orders, users } from '@shop/contracts'
import { defineHandler, defineService, fault } from '@tenon/core'
import { buildClient, type Client, type ClientTransport } from '@tenon/core/client'
import {
  type AnyContract,
  bytes,
  type Contract,
  contract,
  contractInfo,
  formPart,
  int64,
  stream,
} from '@tenon/core/contract'
import { type ErrorCode, errorCodes, ServiceError } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { service as deskService } from './fixture/http-desk.ts'
import { readmeBlocks, readRootFile } from './readme-block.ts'
import { type Shop, startShop } from './shop.ts'

// A caller that changes from gRPC to HTTP, or back, changes one word: `via`.

const codes = Object.keys(errorCodes) as readonly ErrorCode[]
const text = Type.String()
const Item = Type.Object({ text, big: int64(), raw: bytes(), tags: Type.Array(text) })
const Note = Type.Object({ ...Item.properties, noteId: text, version: Type.Integer() })
const noteId = { noteId: text }
const Binary = bytes({ mediaType: 'application/octet-stream' })

/** Every way of HTTP to carry a field, and every kind of operation. */
const notes = contract('test.way.v1.NoteService', {
  getNote: {
    input: Type.Object({
      ...noteId,
      tags: Type.Optional(Type.Array(text, { default: [] })),
      big: Type.Optional(int64()),
      raw: Type.Optional(bytes()),
      isFull: Type.Optional(Type.Boolean()),
      ratio: Type.Optional(Type.Number()),
    }),
    output: Type.Object({ seen: text }),
    http: { route: ['GET /v1/notes/:noteId', 'GET /v1/memos/:noteId'] },
  },
  putNote: {
    input: Type.Object({
      ...noteId,
      note: Item,
      tenantId: Type.Optional(text),
      roles: Type.Optional(Type.Array(text, { default: [] })),
      version: Type.Optional(text),
      sessionId: Type.Optional(text),
      isDry: Type.Optional(Type.Boolean()),
    }),
    output: Type.Object({ seen: text, note: Item, location: text, version: text }),
    http: {
      route: 'PUT /v1/notes/:noteId:replace',
      status: 201,
      headers: { tenantId: 'x-tenant', roles: 'x-roles', version: 'if-match' },
      cookies: { sessionId: 'sid' },
      body: 'note',
      location: 'location',
      etag: 'version',
    },
  },
  addNote: {
    input: Type.Object({ ...Item.properties, isDry: Type.Boolean() }),
    output: Note,
    http: { route: 'POST /v1/notes', query: ['isDry'] },
  },
  findNote: {
    input: Type.Object({ title: text }),
    output: Type.Object({ location: text }),
    http: { route: 'GET /v1/titles/:title', status: 303, location: 'location' },
  },
  removeNote: { input: Type.Object({ ...noteId }), output: Type.Object({}), http: 'DELETE /v1/notes/:noteId' },
  putPicture: {
    input: Type.Object({ ...noteId, picture: bytes({ mediaType: 'image/png' }) }),
    output: Type.Object({ sizeBytes: Type.Integer() }),
    http: 'PUT /v1/notes/:noteId/picture',
  },
  watchNotes: { input: Type.Object({ count: Type.Integer() }), output: stream(Item), http: 'GET /v1/notes:watch' },
  importNotes: { input: stream(Item), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/notes:import' },
  echoNotes: { input: stream(Item), output: stream(Item), http: 'POST /v1/notes:echo' },
  putFile: {
    input: stream(Type.Object({ ...noteId, chunk: Binary })),
    output: Type.Object({ sizeBytes: Type.Integer(), noteIds: Type.Array(text) }),
    http: 'PUT /v1/notes/:noteId/file',
  },
  getFile: {
    input: Type.Object({ sizeBytes: Type.Integer() }),
    output: stream(Type.Object({ chunk: Binary })),
    http: 'GET /v1/files/:sizeBytes',
  },
  sendForm: {
    input: stream(formPart(noteId)),
    output: Type.Object({ seen: text }),
    http: 'POST /v1/notes/:noteId/form',
  },
  fail: {
    input: Type.Object({ code: Type.Enum(codes), isBare: Type.Boolean() }),
    output: Type.Object({}),
    errors: codes,
    http: 'POST /v1/fail',
  },
  failLate: {
    input: Type.Object({ code: Type.Enum(codes) }),
    output: stream(Item),
    errors: codes,
    http: 'POST /v1/late',
  },
})

function failure(code: ErrorCode): ServiceError {
  const details = {
    retryDelayMs: 1_500,
    rank: 'b',
    violations: [{ field: '/a', message: 'must be text', rule: 'type' }],
  }
  return fault(notes.fail, code, { message: `it is ${code}`, reason: 'because', details })
}

/** What arrived, in no order of the fields: bytes as numbers, and an int64 as itself. */
function print(input: object): string {
  const fields = Object.entries(input).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fields.map(([name, value]) => `${name}=${toText(value)}`).join(' ')
}

const toText = (value: unknown) => (typeof value === 'bigint' ? `${value}n` : JSON.stringify(value))

const handler = defineHandler(notes, () => ({
  getNote: (input) => ({ seen: print({ ...input, raw: Array.from(input.raw ?? []) }) }),
  putNote: ({ note, ...rest }) => ({
    seen: print(rest),
    note,
    location: '/v1/notes/1',
    version: rest.version ?? 'none',
  }),
  addNote: ({ isDry, ...item }) => ({ ...item, noteId: String(isDry), version: 1 }),
  findNote: ({ title }) => ({ location: `/v1/notes/${encodeURIComponent(title)}` }),
  removeNote: () => ({}),
  putPicture: ({ picture }) => ({ sizeBytes: picture.length }),
  watchNotes: async function* ({ count }) {
    for (let index = 0; index < count; index += 1) yield item(index)
  },
  importNotes: async (items) => {
    let count = 0
    for await (const _item of items) count += 1
    return { count }
  },
  echoNotes: async function* (items) {
    yield* items
  },
  putFile: async (items) => {
    let sizeBytes = 0
    const noteIds = new Set<string>()
    for await (const { noteId: id, chunk } of items) {
      sizeBytes += chunk.length
      noteIds.add(id)
    }
    return { sizeBytes, noteIds: [...noteIds] }
  },
  getFile: async function* ({ sizeBytes }) {
    for (let left = sizeBytes; left > 0; left -= 1_000)
      yield { chunk: new Uint8Array(Math.min(left, 1_000)).fill(left % 251) }
  },
  sendForm: async (items) => {
    let seen = ''
    for await (const { noteId: id, part, chunk } of items) {
      if (part) seen += `[${id} ${print(part)}]`
      if (chunk) seen += Buffer.from(chunk).toString()
    }
    return { seen }
  },
  fail: ({ code, isBare }) => {
    throw isBare ? new ServiceError(code, '') : failure(code)
  },
  failLate: async function* ({ code }) {
    yield item(0)
    throw failure(code)
  },
}))

function item(index: number) {
  return {
    text: `n\u00f6te ${index}\n`,
    big: 2n ** 62n + BigInt(index),
    raw: new Uint8Array([index, 255]),
    tags: ['a', ''],
  }
}

const service = defineService({
  name: 'note',
  version: '1.0.0',
  admin: false,
  handlers: [handler],
  transports: () => [httpTransport({ port: 0 }), grpcTransport({ port: 0 })],
})

const vias: Readonly<Record<string, ClientTransport>> = { http: httpClient(), grpc: grpcClient() }

/** One client over each transport. */
function clientsOf<Of extends AnyContract>(of: Of, addressOf: (protocol: string) => string) {
  const opened = Object.entries(vias).map(([protocol, via]) => {
    const channel = via.open({ contract: contractInfo(of as Contract), address: addressOf(protocol) })
    return { channel, client: buildClient(of, channel) }
  })
  return {
    clients: opened.map(({ client }) => client),
    close: async () => void (await Promise.all(opened.map(({ channel }) => channel.close()))),
  }
}

/** What a call comes to, whatever it is. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await call }
  } catch (error) {
    if (!ServiceError.is(error)) throw error
    const { code, message, reason, details } = error
    return { code, message, reason, details }
  }
}

async function collect<Value>(items: AsyncIterable<Value>): Promise<readonly Value[]> {
  const all: Value[] = []
  for await (const one of items) all.push(one)
  return all
}

/** Expects the same of every client, and gives it. */
async function same<Of>(
  clients: readonly Client<Of>[],
  call: (client: Client<Of>) => Promise<unknown>,
): Promise<unknown> {
  const [first, ...others] = await Promise.all(clients.map((client) => outcomeOf(call(client))))
  for (const other of others) expect(other).toEqual(first)
  return first
}

describe('a contract with everything', () => {
  let started: Awaited<ReturnType<typeof service.start>>
  let opened: ReturnType<typeof clientsOf<typeof notes>>
  beforeAll(async () => {
    started = await service.start({ environment: { LOG_LEVEL: 'silent' } })
    opened = clientsOf(notes, (protocol) => {
      const { host, port } = started.addresses.find((address) => address.protocol === protocol) ?? {}
      return `${host}:${port}`
    })
  })
  afterAll(async () => {
    await opened.close()
    await started.stop()
  })

  const each = (call: (client: Client<typeof notes>) => Promise<unknown>) => same(opened.clients, call)

  test.each([
    { noteId: 'plain' },
    { noteId: 'a/b?c#d%2Fe f+g', tags: ['x', 'y&z=1', ' '], isFull: false, ratio: -1.5e-9 },
    { noteId: '42:replace', big: -(2n ** 63n), raw: new Uint8Array([251, 255, 0]) },
    { noteId: '\u4e2d\u6587 \ud83d\udc69', tags: ['\u00e9'], ratio: 1e21 },
  ])('path and query carry $noteId', async (input) => {
    expect(await each((client) => client.getNote(input))).toMatchObject({ value: { seen: expect.any(String) } })
  })

  test('headers, cookies and a body field carry the rest', async () => {
    const note = item(1)
    expect(await each((client) => client.putNote({ noteId: 'n', note }))).toMatchObject({ value: { note } })
    const all = {
      noteId: 'n:1',
      note,
      tenantId: 'gr\u00fcn',
      roles: ['a', 'b, "c"', ''],
      version: 'v "1"',
      sessionId: 'a;b=\u00e9',
      isDry: true,
    }
    expect(await each((client) => client.putNote(all))).toMatchObject({ value: { version: 'v "1"' } })
  })

  test('bodies, redirects, bytes and empty outputs are the same values', async () => {
    await each((client) => client.addNote({ ...item(3), isDry: true }))
    expect(await each((client) => client.findNote({ title: 'a/b' }))).toEqual({
      value: { location: '/v1/notes/a%2Fb' },
    })
    expect(await each((client) => client.removeNote({ noteId: 'n' }))).toEqual({ value: {} })
    const picture = new Uint8Array(100_000).fill(7)
    expect(await each((client) => client.putPicture({ noteId: 'n', picture }))).toEqual({
      value: { sizeBytes: 100_000 },
    })
  })

  test('streams are the same items, in, out and both', async () => {
    const items = Array.from({ length: 50 }, (_, index) => item(index))
    expect(await each((client) => collect(client.watchNotes({ count: 50 })))).toEqual({ value: items })
    expect(await each((client) => client.importNotes(items))).toEqual({ value: { count: 50 } })
    expect(await each((client) => collect(client.echoNotes(items)))).toEqual({ value: items })
    expect(await each((client) => collect(client.echoNotes([])))).toEqual({ value: [] })
  })

  test('bytes and forms are the same in pieces', async () => {
    const chunks = Array.from({ length: 20 }, (_, index) => ({
      noteId: 'a/b',
      chunk: new Uint8Array(5_000).fill(index),
    }))
    expect(await each((client) => client.putFile(chunks))).toEqual({ value: { sizeBytes: 100_000, noteIds: ['a/b'] } })
    const file = await each(async (client) => {
      const pieces = await collect(client.getFile({ sizeBytes: 123_456 }))
      return Buffer.concat(pieces.map(({ chunk }) => chunk))
    })
    expect(file).toMatchObject({ value: { length: 123_456 } })
    const form = [
      { noteId: 'n', part: { name: 'note' } },
      { noteId: 'n', chunk: Buffer.from('hello\r\n--') },
      {
        noteId: 'n',
        part: { name: 'pict"ure', filename: '\u00e9.png', contentType: 'image/png' },
        chunk: Buffer.from('PNG'),
      },
      { noteId: 'n', chunk: Buffer.from('!') },
    ]
    const seen = '[n name="note"]hello\r\n--[n contentType="image/png" filename="\u00e9.png" name="pict\\"ure"]PNG!'
    expect(await each((client) => client.sendForm(form))).toEqual({ value: { seen } })
  })

  test.each(codes)('%s is the same error, at once and at the end of a stream', async (code) => {
    const full = { code, message: `it is ${code}`, reason: 'because', details: expect.objectContaining({ rank: 'b' }) }
    expect(await each((client) => client.fail({ code, isBare: false }))).toMatchObject(full)
    await each((client) => client.fail({ code, isBare: true }))
    expect(await each((client) => collect(client.failLate({ code })))).toMatchObject(full)
  })

  test('a deadline that passes is the same error', async () => {
    const call = (client: Client<typeof notes>) => client.importNotes(never(), { timeoutMs: 100 })
    const outcomes = await Promise.all(opened.clients.map((client) => outcomeOf(call(client))))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'deadline_exceeded' })
  })
})

/** Items that never come. */
function never(): AsyncIterable<ReturnType<typeof item>> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }
}

describe('the shop', () => {
  let shop: Shop
  const closers: (() => Promise<void>)[] = []
  beforeAll(async () => {
    shop = await startShop()
  })
  afterAll(async () => {
    await Promise.all(closers.map((close) => close()))
    await shop[Symbol.asyncDispose]()
  })

  function clientsFor<Of extends AnyContract>(of: Of, running: Shop['user']): readonly Client<Of>[] {
    const { clients, close } = clientsOf(of, (protocol) =>
      protocol === 'http' ? new URL(running.http).host : running.grpc,
    )
    closers.push(close)
    return clients
  }

  test('users and orders are the same through both, and so is what is wrong', async () => {
    const [viaHttp] = clientsFor(users, shop.user)
    const user = await viaHttp?.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
    const { userId = '', email = '' } = user ?? {}
    const userClients = clientsFor(users, shop.user)
    expect(await same(userClients, (client) => client.getUser({ userId }))).toEqual({ value: user })
    await same(userClients, (client) => client.listUsers({ pageSize: 100 }))
    const absent = await same(userClients, (client) => client.getUser({ userId: randomUUID() }).catch(withoutId))
    expect(absent).toMatchObject({ code: 'not_found' })
    expect(await same(userClients, (client) => client.createUser({ name: 'Ada', email }))).toMatchObject({
      code: 'already_exists',
    })
    const orderClients = clientsFor(orders, shop.order)
    const order = { orderId: randomUUID(), userId, items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }
    expect(await same(orderClients, (client) => client.placeOrder(order))).toMatchObject({ value: { totalCents: 700 } })
    await same(orderClients, (client) => client.cancelOrder({ orderId: order.orderId }))
    await same(orderClients, (client) => client.listOrders({ userId, pageSize: 10 }))
    expect(await same(orderClients, (client) => client.listOrders({ pageToken: 'none' }))).toMatchObject({
      code: 'invalid_argument',
    })
  })

  test('a service calls another one over HTTP as the README has it', async () => {
    const [viaHttp] = clientsFor(users, shop.user)
    const [orderClient] = clientsFor(orders, shop.order)
    const user = await viaHttp?.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
    const orderId = randomUUID()
    await orderClient?.placeOrder({
      orderId,
      userId: user?.userId ?? '',
      items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }],
    })
    const { host } = new URL(shop.order.http)
    const environment = { DESK_HTTP_PORT: '0', ORDER_ADDRESS: `static:///${host}`, LOG_LEVEL: 'silent' }
    const desk = await deskService.start({ environment })
    const [address] = desk.addresses
    const response = await fetch(`http://127.0.0.1:${address?.port}/v1/totals/${orderId}`)
    expect([response.status, await response.json()]).toEqual([200, { totalCents: 700 }])
    await desk.stop()
    const blocks = await readmeBlocks('packages/transport-http/README.md')
    const shown = blocks.map(({ text: code }) => code).find((code) => code.includes('httpClient('))
    expect(await readRootFile('test/promise/fixture/http-desk.ts')).toBe(shown)
  })
})

/** Its message names the id that was made up for the call. */
function withoutId(error: unknown): never {
  throw ServiceError.is(error) ? new ServiceError(error.code, '') : error
}
