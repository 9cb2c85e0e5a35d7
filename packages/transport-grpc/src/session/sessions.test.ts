import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { resolveGrpcOptions } from '../grpc-options.ts'
import { Sessions } from './sessions.ts'

/** A server of HTTP/2 whose sessions and streams are watched. */
async function serve(answer: (stream: ServerHttp2Stream) => void) {
  const sessions = new Sessions(resolveGrpcOptions({}), 'demo')
  const server = createServer()
  let arriving: Socket | undefined
  server.prependListener('connection', (socket) => (arriving = socket))
  server.on('session', (session) => {
    if (arriving) sessions.enter(session, arriving)
  })
  server.on('stream', (stream, headers) => {
    if (sessions.admits(stream, headers)) answer(stream)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`)
  const close = () => {
    client.destroy()
    server.close()
  }
  return { sessions, client, [Symbol.dispose]: close }
}

test('a stream that is over is listened to by nobody, and all who did were told', async () => {
  const told: string[] = []
  const closed = Promise.withResolvers<ServerHttp2Stream>()
  using demo = await serve((stream) => {
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.on('close', () => told.push('first')).on('close', () => told.push('second'))
    stream.on('close', () => closed.resolve(stream))
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.end()
  })
  const asked = demo.client.request({ ':path': '/' }).resume()
  asked.end()
  await once(asked, 'close')
  const stream = await closed.promise
  expect(told).toEqual(['first', 'second'])
  expect(stream.eventNames()).toEqual([])
})

test('an idle caller that never says that it has heard is not waited for long', async () => {
  using demo = await serve((stream) => stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true }))
  const asked = demo.client.request({ ':path': '/' }).resume()
  asked.end()
  await once(asked, 'close')
  const goaway = once(demo.client, 'goaway')
  // A client on Node stops reading here, and the answer to the ping never comes.
  await demo.sessions.withdraw()
  expect((await goaway)[0]).toBe(0)
})
