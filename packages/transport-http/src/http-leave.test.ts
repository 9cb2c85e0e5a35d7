import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { type Call, defineHandler, defineService } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { afterEach, expect, test, vi } from 'vitest'
import { aheadBytes, stalledMs } from './input/body-pump.ts'
import { httpTransport } from './index.ts'

afterEach(() => void vi.useRealTimers())

const Line = Type.Object({ text: Type.String() })
const lines = contract('demo.v1.Leavers', {
  count: { input: stream(Line), output: Type.Object({ count: Type.Integer() }), http: 'POST /v1/lines' },
  echo: { input: stream(Line), output: stream(Line), http: 'POST /v1/lines:echo' },
})
type Lines = AsyncIterable<{ readonly text: string }>

/** How a handler waits for the end of its call before it has read all, or anything, of its input. */
const waits: Readonly<Record<string, (items: Lines, call: Call) => Promise<void>>> = {
  nothing: (_items, call) => ended(call),
  'one item': async (items, call) => {
    for await (const _ of items) await ended(call)
  },
  'one item and no more': async (items, call) => {
    for await (const _ of items) break
    await ended(call)
  },
}

async function ended({ signal }: Call): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw signal.reason
}

/** A service that has one place, which a call holds until its handler has ended. */
async function start(wait: (items: Lines, call: Call) => Promise<void>) {
  const began = Promise.withResolvers<void>()
  const over = Promise.withResolvers<unknown>()
  const arrived = Promise.withResolvers<IncomingMessage>()
  let isFirst = true
  const run = async (items: Lines, call: Call) => {
    if (!isFirst) return
    isFirst = false
    began.resolve()
    await wait(items, call).finally(() => over.resolve(call.signal.reason))
  }
  const started = await defineService({
    name: 'lines',
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(lines, () => ({
        count: async (items, call) => {
          await run(items, call)
          return { count: 0 }
        },
        echo: async function* (items, call) {
          yield { text: 'early' }
          await run(items, call)
        },
      })),
    ],
    transports: () => [
      httpTransport({
        port: 0,
        configure: ({ server }) => void server.once('request', (request: IncomingMessage) => arrived.resolve(request)),
      }),
    ],
    maxConcurrentCalls: 1,
    maxQueuedCalls: 0,
  }).start({ environment: { LOG_LEVEL: 'silent' } })
  const port = started.addresses[0]?.port ?? 0
  return {
    started,
    port,
    url: `http://127.0.0.1:${port}`,
    began: began.promise,
    over: over.promise,
    /** The first request. */
    arrived: arrived.promise,
    [Symbol.asyncDispose]: async () => void (await started.stop()),
  }
}

const head = (path: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n`
const line = `${JSON.stringify({ text: 'x'.repeat(986) })}\n`

/** Sends the lines of a body that goes on, and resolves when the system has taken all of them. */
async function send(socket: Socket, path: string, kilobytes: number): Promise<void> {
  const text = line.repeat(kilobytes)
  await new Promise((resolve) => socket.write(`${head(path)}${text.length.toString(16)}\r\n${text}\r\n`, resolve))
}

async function heard(socket: Socket, text: string): Promise<void> {
  let said = ''
  while (!said.includes(text)) said += String(await once(socket, 'data'))
}

const leaving = Object.keys(waits).flatMap((read) =>
  [200, 1_000, 3_000].flatMap((kilobytes) =>
    ['/v1/lines', '/v1/lines:echo'].map((path) => [read, kilobytes, path] as const),
  ),
)

test.each(leaving)(
  'a caller that leaves is noticed while %s of its %d KB is read (%s)',
  async (read, kilobytes, path) => {
    await using demo = await start(waits[read] ?? ((_items, call) => ended(call)))
    const socket = connect(demo.port, '127.0.0.1').on('error', () => undefined)
    // What is written to a caller that has left would be noticed anyhow.
    const answering = path.endsWith(':echo') ? heard(socket, 'early') : undefined
    await Promise.all([send(socket, path, kilobytes), demo.began, answering])
    socket.destroy()
    expect(await demo.over).toMatchObject({ code: 'cancelled' })
    const next = await fetch(`${demo.url}/v1/lines`, { method: 'POST' })
    expect([next.status, await next.json()]).toEqual([200, { count: 0 }])
    expect((await demo.started.stop()).exitCode).toBe(0)
  },
)

test('a caller that leaves after it was answered early, or while that answer is on its way, holds nothing up', async () => {
  await using demo = await start(async () => undefined)
  for (const path of ['/v1/lines', '/v1/lines:echo']) {
    const socket = connect(demo.port, '127.0.0.1').on('error', () => undefined)
    await Promise.all([send(socket, path, 3_000), once(socket, 'data')])
    socket.destroy()
  }
  const next = await fetch(`${demo.url}/v1/lines`, { method: 'POST' })
  expect([next.status, await next.json()]).toEqual([200, { count: 0 }])
  expect((await demo.started.stop()).exitCode).toBe(0)
})

/** Sends lines for as long as they are taken. */
async function sendEndlessly(socket: Socket): Promise<void> {
  const text = line.repeat(100)
  socket.write(head('/v1/lines'))
  while (!socket.destroyed) {
    await new Promise((resolve) => socket.write(`${text.length.toString(16)}\r\n${text}\r\n`, resolve))
  }
}

/** Resolves when nothing more is read of a request, although other requests are answered. */
async function heldBack({ arrived, url }: Awaited<ReturnType<typeof start>>): Promise<Socket> {
  const request = await arrived
  if (!request.isPaused()) await once(request, 'pause')
  for (let before = -1; before !== request.socket.bytesRead; ) {
    before = request.socket.bytesRead
    for (let round = 0; round < 20; round += 1) await (await fetch(`${url}/nothing`)).text()
  }
  return request.socket
}

test('a caller whose handler does not read is held back', async () => {
  const go = Promise.withResolvers<void>()
  await using demo = await start(() => go.promise)
  const socket = connect(demo.port, '127.0.0.1').on('error', () => undefined)
  const sending = sendEndlessly(socket)
  const { bytesRead } = await heldBack(demo)
  expect(bytesRead).toBeGreaterThan(aheadBytes / 2)
  // Besides, what Node has read when it is told to stop.
  expect(bytesRead).toBeLessThan(aheadBytes + 262_144)
  // What has left the caller is there or with the two systems.
  expect(socket.bytesWritten - socket.writableLength).toBeLessThan(aheadBytes + 20_000_000)
  go.resolve()
  // From here on the rest is read and dropped.
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 200 /)
  socket.destroy()
  await sending
})

test('a caller that is held back is given up when no item is asked for in a long time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const reading = Promise.withResolvers<AsyncIterator<unknown>>()
  await using demo = await start((items, call) => {
    reading.resolve(items[Symbol.asyncIterator]())
    return ended(call)
  })
  const socket = connect(demo.port, '127.0.0.1').on('error', () => undefined)
  const sending = sendEndlessly(socket)
  await heldBack(demo)
  const items = await reading.promise
  await items.next()
  await heldBack(demo)
  // One after the other of the bytes that are there, so that no more bytes are needed.
  for (let count = 0; count < 5; count += 1) {
    vi.advanceTimersByTime(stalledMs - 1)
    expect(await items.next()).toMatchObject({ done: false })
  }
  expect((await heldBack(demo)).destroyed).toBe(false)
  vi.advanceTimersByTime(stalledMs)
  expect(await demo.over).toMatchObject({ code: 'cancelled' })
  await sending
  vi.useRealTimers()
  const next = await fetch(`${demo.url}/v1/lines`, { method: 'POST' })
  expect([next.status, await next.json()]).toEqual([200, { count: 0 }])
})
