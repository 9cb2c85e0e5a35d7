import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import { resolveGrpcOptions } from '../grpc-options.ts'
import { largeBytes, openStalling } from '../listen/stalling-client.test-harness.ts'
import { cutSession } from './cut-session.ts'
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
  return { sessions, server, port, client, [Symbol.dispose]: close }
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

/** A caller that has begun to read a large answer and stopped, and its session at the server. */
async function leaveUnread({ server, port }: Awaited<ReturnType<typeof serve>>) {
  const begun = once(server, 'session')
  const stalling = await openStalling(port)
  const [session] = (await begun) as [ServerHttp2Session]
  const asked = stalling.session.request({ ':path': '/' })
  await once(asked, 'response')
  stalling.stall()
  return { ...stalling, server: session, asked, [Symbol.dispose]: stalling[Symbol.dispose] }
}

const answerLarge = (stream: ServerHttp2Stream) => {
  stream.on('error', () => undefined).respond({ ':status': 200 })
  stream.end(Buffer.alloc(largeBytes))
}

test.each([
  ['was destroyed', (session: ServerHttp2Session) => session.destroy()],
  ['was cut after it was closed', (session: ServerHttp2Session) => cutUnread(session)],
] as const)('a session that %s is over at the second look, though its caller reads nothing', async (_how, end) => {
  using demo = await serve(answerLarge)
  using unread = await leaveUnread(demo)
  end(unread.server)
  const closed = once(unread.server, 'close')
  demo.sessions.look()
  demo.sessions.look()
  await closed
})

function cutUnread(session: ServerHttp2Session): void {
  session.close()
  cutSession(session)
}

test('a session that was closed is not over before its last answer is read, however slowly', async () => {
  using demo = await serve(answerLarge)
  using unread = await leaveUnread(demo)
  const over = Promise.withResolvers<void>()
  const { destroy } = unread.server
  unread.server.destroy = (...args) => {
    destroy.apply(unread.server, args)
    over.resolve()
  }
  unread.server.close()
  await over.promise
  for (let count = 0; count < 3; count += 1) demo.sessions.look()
  const read = readAll(unread.asked)
  unread.goOn()
  expect(await read).toBe(largeBytes)
})

async function readAll(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  for await (const chunk of stream) bytes += chunk.length
  return bytes
}
