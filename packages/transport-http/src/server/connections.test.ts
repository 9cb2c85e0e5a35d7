import { once } from 'node:events'
import type { Server } from 'node:http'
import { connect, constants, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { hostOf } from '../http-transport.test-harness.ts'
import { Connections } from './connections.ts'

test('HTTP/2: a caller sees that its reply was broken off, though the connection is cut in the same turn', async () => {
  const server = createServer()
  const connections = new Connections(server as unknown as Server, { log: hostOf({}, []).log })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const asked = session.request({ ':path': '/' })
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream]
  stream.on('error', () => undefined).respond({ ':status': 200 })
  stream.write('half of it')
  await once(asked, 'data')
  const failed = once(asked, 'error')
  stream.destroy(new Error('broken'))
  await connections.close(0)
  expect((await failed)[0]).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
  expect(asked.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  session.destroy()
  server.close()
})
