import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { untilRead } from '@tenon/core/transport'
import { afterEach, expect, test, vi } from 'vitest'
import { ServerTraffic } from './server-traffic.ts'
import { listening } from './team-server.test-harness.ts'

afterEach(() => void vi.useRealTimers())

test('a request that has been received when idle connections are closed is answered', async () => {
  const server = createServer((_request, reply) => reply.end('app'))
  const traffic = new ServerTraffic(server)
  const socket = connect(await listening(server), '127.0.0.1').setEncoding('latin1')
  const request = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
  socket.write(request)
  await once(socket, 'data')
  // It goes out at once, and nobody has read it yet.
  socket.write(request)
  traffic.withdraw()
  traffic.drain()
  const [text] = (await once(socket, 'data')) as [string]
  expect(text).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is)
  await once(socket.resume(), 'close')
  traffic.close()
})

test('a connection that carries a stream is closed with its end during a drain', async () => {
  // Whatever looks for idle connections now and again never does here.
  vi.useFakeTimers({ toFake: ['setInterval'] })
  const arrived = Promise.withResolvers<ServerResponse>()
  const server = createServer((_request, reply) => {
    reply.write('half')
    arrived.resolve(reply)
  })
  server.keepAliveTimeout = 600_000
  const traffic = new ServerTraffic(server)
  const socket = connect(await listening(server), '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'data')
  traffic.withdraw()
  traffic.drain()
  await untilRead()
  const gone = once(socket.resume(), 'close')
  const reply = await arrived.promise
  reply.end()
  await gone
  traffic.close()
})
