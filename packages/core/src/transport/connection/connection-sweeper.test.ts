import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { connectionSweeper } from './connection-sweeper.ts'
import { untilRead } from './until-read.ts'

const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'

afterEach(() => void vi.useRealTimers())

/** A server that keeps idle connections for longer than a test takes, and a sweeper of it. */
async function serve(app: RequestListener = (_request, reply) => reply.end('app')) {
  const server = createServer({ keepAliveTimeout: 600_000 }, app)
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const sweeper = connectionSweeper(server, sockets)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    sweeper.stop()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { server, sockets, sweeper, open: () => connect(port, '127.0.0.1').setEncoding('latin1') }
}

/** A connection that was used once, and is kept. */
async function idleOf(open: () => Socket): Promise<Socket> {
  const socket = open()
  socket.write(request)
  await once(socket, 'data')
  return socket
}

test('what is idle is ended, and a request that has been received by then is answered', async () => {
  const { sweeper, open } = await serve()
  const idle = await idleOf(open)
  const kept = await idleOf(open)
  // It goes out at once, and nobody has read it yet.
  kept.write(request)
  const gone = once(idle.resume(), 'close')
  const answered = once(kept, 'data')
  await sweeper.start()
  expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 200 /)
  await Promise.all([gone, once(kept.resume(), 'close')])
})

test('a connection on which nothing has come yet is left for its first request', async () => {
  const { server, sockets, open } = await serve()
  const idle = await idleOf(open)
  const accepted = once(server, 'connection')
  const early = open()
  await accepted
  // As Node 26 does, which takes both for idle.
  const closeIdleConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  const sweeper = connectionSweeper({ closeIdleConnections }, sockets)
  onTestFinished(() => sweeper.stop())
  const gone = once(idle.resume(), 'close')
  await sweeper.start()
  await gone
  sweeper.stop()
  early.write(request)
  expect(String((await once(early, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
})

test('a reply that its caller has yet to read is not broken off', async () => {
  const bytes = Buffer.alloc(20_000_000, 'a')
  const ended = Promise.withResolvers<void>()
  const { sweeper, open } = await serve((_request, reply) => {
    reply.once('finish', ended.resolve).end(bytes)
  })
  const slow = open()
  slow.write(request)
  await once(slow, 'readable')
  await sweeper.start()
  let count = 0
  for await (const chunk of slow) count += String(chunk).length
  await ended.promise
  expect(count).toBeGreaterThan(bytes.length)
})

test('while it sweeps, a connection is ended with its reply', async () => {
  // Whatever looks for idle connections now and again never does here.
  vi.useFakeTimers({ toFake: ['setInterval'] })
  const arrived = Promise.withResolvers<ServerResponse>()
  const { sweeper, open } = await serve((_request, reply) => {
    reply.once('close', () => sweeper.replied()).write('half')
    arrived.resolve(reply)
  })
  const stream = await idleOf(open)
  await sweeper.start()
  const gone = once(stream.resume(), 'close')
  const reply = await arrived.promise
  reply.end()
  await gone
})

test('one that has stopped leaves connections alone, and may start again', async () => {
  const { sweeper, open } = await serve()
  const kept = await idleOf(open)
  const looking = sweeper.start()
  sweeper.stop()
  await looking
  sweeper.replied()
  await untilRead()
  await untilRead()
  kept.write(request)
  expect(String((await once(kept, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /)
  const gone = once(kept.resume(), 'close')
  await sweeper.start()
  await gone
})
