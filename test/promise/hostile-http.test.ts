import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Address } from '@tenon/core'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type OwnProcess, runFile } from '../support/own-process.ts'

let target: OwnProcess
let port = 0

beforeAll(async () => {
  target = runFile(join(import.meta.dirname, 'fixture/hostile-service.ts'))
  const [{ addresses }] = (await once(target.child, 'message')) as [{ readonly addresses: readonly Address[] }]
  port = addresses[0]?.port ?? 0
})

afterAll(async () => {
  target.child.kill('SIGTERM')
  expect(await target.ended).toBe(0)
})

/** A whole request: a name, the bytes, and how the reply must begin. */
interface Attack {
  readonly name: string
  readonly bytes: string | Buffer
  readonly status: number
  /** Where the bytes come in several pieces, which is the system's to decide. */
  readonly orStatus?: number
  /** What else the reply must hold. */
  readonly holds?: string
}

const head = 'host: x\r\nconnection: close\r\n'

function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\n${head}${headers}\r\n`
}

function post(body: string | Buffer, headers = 'content-type: application/json\r\n'): Buffer {
  const bytes = Buffer.from(body)
  const start = `POST /v1/items HTTP/1.1\r\n${head}${headers}content-length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(start), bytes])
}

function nested(depth: number): string {
  return `${'{"children":['.repeat(depth)}${']}'.repeat(depth)}`
}

const chunkedOrder = 'content-type: application/json\r\ntransfer-encoding: chunked\r\n'
const smuggled = 'GET /v1/items/smuggled HTTP/1.1\r\nhost: x\r\n\r\n'

const attacks: readonly Attack[] = [
  { name: 'a header of a megabyte', bytes: get('/v1/items/i1', `x-a: ${'a'.repeat(1_000_000)}\r\n`), status: 431 },
  { name: '5,000 headers', bytes: get('/v1/items/i1', 'x: y\r\n'.repeat(5_000)), status: 431 },
  {
    name: '10,000 query parameters',
    bytes: get(`/v1/items/i1?${'tag=1&'.repeat(10_000)}`),
    status: 414,
    orStatus: 431,
  },
  {
    name: 'as many query parameters as fit in a head',
    bytes: get(`/v1/items/i1?${'tag=1&'.repeat(2_500)}`),
    status: 200,
    holds: '"tagCount":2500',
  },
  {
    name: 'JSON nested 100,000 deep where nothing is declared',
    bytes: post(`{"text":"a","more":${nested(50_000)}}`),
    status: 201,
  },
  {
    name: 'JSON nested 100,000 deep where anything goes',
    bytes: post(`{"text":"a","any":${nested(50_000)}}`),
    status: 400,
  },
  {
    name: 'JSON nested 100,000 deep where it is declared',
    bytes: post(`{"text":"a","tree":${nested(50_000)}}`),
    status: 400,
  },
  { name: 'arrays nested 100,000 deep', bytes: post('['.repeat(100_000)), status: 400 },
  { name: 'a key given twice', bytes: post('{"text":"first","text":"last"}'), status: 201, holds: '"text":"last"' },
  {
    name: 'both lengths of a body',
    bytes: `POST /v1/items HTTP/1.1\r\nhost: x\r\n${chunkedOrder}content-length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
    status: 400,
  },
  {
    name: 'two lengths of a body',
    bytes: `POST /v1/items HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 5\r\n\r\n${smuggled}`,
    status: 400,
  },
  {
    name: 'an unknown transfer coding after chunked',
    bytes: `POST /v1/items HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    status: 400,
  },
  {
    name: 'a transfer coding before chunked',
    bytes: `POST /v1/items HTTP/1.1\r\n${head}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    status: 501,
  },
  { name: 'no host', bytes: 'GET /v1/items/i1 HTTP/1.1\r\n\r\n', status: 400 },
  { name: 'two hosts', bytes: get('/v1/items/i1', 'host: y\r\n'), status: 400 },
  { name: 'a fragment in the target', bytes: get('/v1/items/i1#x'), status: 400 },
  { name: 'an unknown expectation', bytes: get('/v1/items/i1', 'expect: foo\r\n'), status: 417 },
  { name: 'a tunnel', bytes: `CONNECT example.com:80 HTTP/1.1\r\n${head}\r\n`, status: 501 },
  { name: 'a bare line feed after a header', bytes: `GET /v1/items/i1 HTTP/1.1\r\nhost: x\n\r\n`, status: 400 },
  { name: 'a space before the colon', bytes: get('/v1/items/i1', 'content-length : 5\r\n'), status: 400 },
  { name: 'a folded header', bytes: get('/v1/items/i1', 'x-a: b\r\n c\r\n'), status: 400 },
  {
    name: 'a chunk length that is no number',
    bytes: `POST /v1/items HTTP/1.1\r\n${head}${chunkedOrder}\r\nzz\r\n{}\r\n0\r\n\r\n`,
    status: 400,
  },
  {
    name: 'text that is no UTF-8',
    bytes: post(Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff, 0xc0]), Buffer.from('"}')])),
    status: 400,
  },
  { name: 'a path that is no UTF-8', bytes: get('/v1/items/%ff'), status: 400 },
  { name: 'a path with half a percent sign', bytes: get('/v1/items/%a'), status: 400 },
  {
    name: 'keys of prototypes',
    bytes: post('{"text":"a","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
    status: 201,
    holds: '"isPolluted":false,"keys":["text"]',
  },
  { name: 'a query that names a prototype', bytes: get('/v1/items/i1?__proto__=x&constructor=y'), status: 200 },
  { name: 'a path that climbs', bytes: get('/v1/items/../../etc/passwd'), status: 404 },
  { name: 'an encoded path that climbs', bytes: get('/v1/items/..%2f..%2fetc'), status: 200, holds: '"../../etc"' },
  { name: 'a null in the path', bytes: get('/v1/items/a%00b'), status: 200, holds: String.raw`a\u0000b` },
  { name: 'a null in a header', bytes: get('/v1/items/i1', 'x-a: b\0c\r\n'), status: 400 },
  { name: 'a null in the request line', bytes: get('/v1/items/\0'), status: 400 },
  { name: 'a method of its own', bytes: get('/v1/items/i1').replace('GET', 'STEAL'), status: 400 },
  { name: 'another protocol', bytes: `${'\x16\x03\x01'}\0\0garbage\r\n\r\n`, status: 400 },
]

/** Sends bytes and gives everything that comes back. */
async function send(bytes: string | Buffer): Promise<string> {
  const socket = open()
  socket.end(bytes)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  return text
}

function open(): Socket {
  const socket = connect({ port, host: '127.0.0.1' }).setEncoding('utf8')
  // A server that has answered may cut what is still being sent.
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

/** A caller that means no harm. */
async function isServed(): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/v1/items/i1`)).status === 200
}

/** Sees that what was done leaves nothing behind that garbage collection would not take. */
async function leavesLittle(attack: () => Promise<void>): Promise<void> {
  const before = await heapMegabytes()
  await attack()
  await eventually(async () => expect((await heapMegabytes()) - before).toBeLessThan(20))
}

async function heapMegabytes(): Promise<number> {
  const told = once(target.child, 'message') as Promise<[{ readonly heapBytes: number }]>
  target.child.send('heap')
  const [{ heapBytes }] = await told
  return heapBytes / 1_000_000
}

describe('a hostile request gets its reply, and others are served', () => {
  test.each(attacks)('$name: $status', async ({ bytes, status, orStatus = status, holds = '' }) => {
    const reply = await send(bytes)
    expect([`HTTP/1.1 ${status}`, `HTTP/1.1 ${orStatus}`]).toContain(reply.slice(0, 12))
    expect(reply).toContain(holds)
    // One request, one reply: what was hidden in it is no request of its own.
    expect(reply.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    if (status >= 400) expect(reply).toContain('application/problem+json')
    expect(reply).not.toMatch(/node_modules|\.ts:|at \w+ \(/)
    expect(await isServed()).toBe(true)
  })
})

test.each([
  { what: 'head', bytes: get('/v1/items/i1').slice(0, -2) },
  { what: 'body', bytes: post('{"text":"a"}').subarray(0, -2) },
  {
    what: 'stream',
    bytes: `POST /v1/items:count HTTP/1.1\r\n${head}content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`,
  },
])(
  'a hundred callers that never end their $what are answered 408 and leave less than 20 MB behind, while others are served',
  { timeout: 30_000 },
  async ({ bytes }) => {
    await leavesLittle(async () => {
      const sockets = Array.from({ length: 100 }, open)
      const replies = sockets.map(async (socket) => {
        socket.write(bytes)
        let text = ''
        for await (const chunk of socket) text += String(chunk)
        return text.slice(0, 12)
      })
      expect(await isServed()).toBe(true)
      expect(new Set(await Promise.all(replies))).toEqual(new Set(['HTTP/1.1 408']))
    })
  },
)

test('a thousand idle connections keep nobody from being served, and cost less than 20 MB while they are open', async () => {
  await leavesLittle(async () => {
    const sockets = Array.from({ length: 1_000 }, open)
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    expect(await isServed()).toBe(true)
  })
})

test('hundreds of hostile requests leave less than 20 MB behind', { timeout: 120_000 }, async () => {
  const attackAll = async (times: number) => {
    for (let time = 0; time < times; time += 1) {
      await Promise.all(attacks.map(({ bytes }) => send(bytes)))
    }
  }
  await attackAll(2)
  await leavesLittle(async () => attackAll(30))
  expect(await isServed()).toBe(true)
})
