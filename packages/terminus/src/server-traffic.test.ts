import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { ServerTraffic } from './server-traffic.ts'
import { listening } from './team-server.test-harness.ts'

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
