import { once } from 'node:events'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { largeCall, smallCall } from './grpc-call.ts'
import { grpcLanes } from './grpc-load.ts'
import { loadLanes } from './lane.ts'

describe('the load for gRPC', () => {
  it('makes as many calls as it was told', async () => {
    let count = 0
    await using server = await serve((stream) => {
      count += 1
      answer(stream, { reply: smallCall.reply })
    })
    await load(smallCall, server.port, 100)
    expect(count).toBe(100)
  })

  it('sends no more than the server grants, and goes on when it grants more', async () => {
    const lengths: number[] = []
    await using server = await serve((stream, bytes) => {
      lengths.push(bytes.length)
      answer(stream, { reply: largeCall.reply })
    })
    await load(largeCall, server.port, 200)
    expect(lengths).toEqual(Array<number>(200).fill(largeCall.request.length))
  })

  it('understands replies after the server has filled its table of fields over and over', async () => {
    let count = 0
    await using server = await serve((stream) => {
      count += 1
      answer(stream, { reply: smallCall.reply, headers: { 'x-count': `${count}`.repeat(50) } })
    })
    await load(smallCall, server.port, 500)
    expect(count).toBe(500)
  })

  it.each([
    ['another byte', { reply: changed(smallCall.reply) }, /not the expected one/],
    ['a byte too many', { reply: Buffer.concat([smallCall.reply, Buffer.alloc(1)]) }, /not the expected one/],
    ['a byte too few', { reply: smallCall.reply.subarray(1, -1) }, /not the expected one/],
    ['half a reply', { reply: smallCall.reply.subarray(0, 20) }, /shorter than expected/],
    ['another status', { reply: smallCall.reply, status: 13 }, /a call failed/],
    ['a status that begins alike', { reply: smallCall.reply, status: '00' }, /a call failed/],
  ])('fails for %s', async (_what, reply, expected) => {
    await using server = await serve((stream) => answer(stream, reply))
    await expect(load(smallCall, server.port, 50)).rejects.toThrow(expected)
  })

  it('fails for a call that the server breaks off', async () => {
    await using server = await serve((stream) => stream.close(2))
    await expect(load(smallCall, server.port, 50)).rejects.toThrow(/broke off stream/)
  })
})

interface Reply {
  readonly reply: Buffer
  readonly status?: number | string
  readonly headers?: Readonly<Record<string, string>>
}

async function load(call: typeof smallCall, port: number, count: number): Promise<void> {
  await loadLanes(await grpcLanes(call)(port), count)
}

function answer(stream: ServerHttp2Stream, { reply, status = 0, headers }: Reply): void {
  stream.respond({ ':status': 200, ...headers }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
  stream.end(reply)
}

function changed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(30) ^ 1, 30)
  return copy
}

async function serve(take: (stream: ServerHttp2Stream, request: Buffer) => void) {
  const server = createServer()
  server.on('stream', (stream) => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => take(stream, Buffer.concat(chunks)))
    // The load leaves with whatever is under way.
    stream.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close()
    },
  }
}
