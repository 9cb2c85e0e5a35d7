import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { failureOf, open } from './client.test-harness.ts'

// Nobody waits for ten seconds.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A server that takes calls and answers none. */
async function deafServer() {
  const sessions: ServerHttp2Session[] = []
  const called = Promise.withResolvers<void>()
  const server = createServer()
  server.on('session', (session) => void sessions.push(session.on('error', () => undefined)))
  server.on('stream', (stream) => {
    stream.on('error', () => undefined)
    called.resolve()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    called: called.promise,
    session: () => sessions[0],
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

test('a connection on which nothing comes in is pinged', async () => {
  await using server = await deafServer()
  await using caller = open(server.port, { keepAlive: { intervalMs: 10_000 } })
  const controller = new AbortController()
  const call = failureOf(caller.client.say({ text: 'a' }, { signal: controller.signal }))
  await server.called
  const session = server.session()
  const pinged = session && once(session, 'ping')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await pinged).toHaveLength(1)
  controller.abort()
  expect((await call).code).toBe('cancelled')
})

/** A peer that says its settings and nothing after them; it does not answer pings. */
async function mutePeer() {
  const called = Promise.withResolvers<void>()
  const server = createTcpServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.write(emptySettings)
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (frameTypes(received).includes(headersFrame)) called.resolve()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    called: called.promise,
    [Symbol.asyncDispose]: async () => void server.close(),
  }
}

/** @see RFC 9113 section 3.4 (the preface of 24 bytes), 4.1 (a head of 9) and 6 */
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
const headersFrame = 1

function frameTypes(received: Buffer): readonly number[] {
  const types: number[] = []
  for (let at = 24; at + 9 <= received.length; at += 9 + received.readUIntBE(at, 3))
    types.push(received.readUInt8(at + 3))
  return types
}

test('a connection whose peer does not answer a ping is closed, and its calls are unavailable', async () => {
  await using peer = await mutePeer()
  await using caller = open(peer.port, { keepAlive: { intervalMs: 10_000, timeoutMs: 5_000 } })
  const call = failureOf(caller.client.say({ text: 'a' }))
  await peer.called
  await vi.advanceTimersByTimeAsync(15_000)
  expect(await call).toMatchObject({ code: 'unavailable', reason: 'connection_lost' })
})
