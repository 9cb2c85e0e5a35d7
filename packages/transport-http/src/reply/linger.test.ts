import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { lingerAfter, lingerMs } from './linger.ts'

afterEach(() => void vi.useRealTimers())

/** A server that answers before it has read anything, and one caller of it. */
async function serve(closes: boolean) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const requests: IncomingMessage[] = []
  const server = createServer((request: IncomingMessage, reply: ServerResponse) => {
    requests.push(request)
    lingerAfter(reply, request)
    if (closes) reply.setHeader('connection', 'close')
    reply.end('early')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const caller = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('utf8')
  return {
    caller,
    requests,
    [Symbol.asyncDispose]: async () => {
      caller.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n'
const body = 'x'.repeat(1_000_000)

/** Waits until all of it is on its way. */
function write(socket: Socket, text: string): Promise<unknown> {
  return new Promise((resolve) => socket.write(text, resolve))
}

test.each([
  ['is closed', true],
  ['is kept', false],
])(
  'a caller that ends its request after it was answered is not cut, where the connection %s',
  async (_what, closes) => {
    await using demo = await serve(closes)
    const { caller } = demo
    const failed = vi.fn<(error: Error) => void>()
    caller.on('error', failed)
    caller.write(head)
    await once(caller, 'data')
    await write(caller, body)
    if (closes) await once(caller, 'close')
    else {
      caller.write(head)
      await once(caller, 'data')
      expect(demo.requests).toHaveLength(2)
    }
    expect(failed).not.toHaveBeenCalled()
  },
)

test.each([
  ['is closed', true],
  ['is kept', false],
])('a caller that does not stop is cut, where the connection %s', async (_what, closes) => {
  await using demo = await serve(closes)
  const { caller, requests } = demo
  caller.on('error', () => undefined)
  caller.write(head)
  await once(caller, 'data')
  caller.write('x')
  vi.advanceTimersByTime(lingerMs - 1)
  expect(requests[0]?.socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(requests[0]?.socket.destroyed).toBe(true)
})

test('a request that has come whole is nothing to wait for', async () => {
  await using demo = await serve(true)
  demo.caller.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx')
  await once(demo.caller, 'data')
  await once(demo.caller, 'close')
  expect(vi.getTimerCount()).toBe(0)
})

test('a connection that is kept has no more to remember after each request', async () => {
  await using demo = await serve(false)
  const { caller, requests } = demo
  const counts: number[] = []
  for (let round = 0; round < 3; round++) {
    caller.write(head)
    await once(caller, 'data')
    const ended = once(requests[round]!, 'close')
    await write(caller, body)
    await ended
    counts.push(requests[round]!.socket.listenerCount('close'))
  }
  expect(new Set(counts).size).toBe(1)
})
