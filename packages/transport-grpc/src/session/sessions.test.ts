import { once } from 'node:events'
import { connect, createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { resolveGrpcOptions } from '../grpc-options.ts'
import { largeBytes, openStalling } from '../listen/stalling-client.test-harness.ts'
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
  return { sessions, client, port, arrived: () => arriving, [Symbol.dispose]: close }
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

/** A session that was retired while a caller who does not read has a call on it, and the socket below it. */
async function retire() {
  const asked = Promise.withResolvers<ServerHttp2Stream>()
  const demo = await serve(asked.resolve)
  const stalling = await openStalling(demo.port)
  const socket = demo.arrived()
  stalling.session.request({ ':path': '/' }).end()
  const stream = await asked.promise
  const { session } = stream
  stalling.stall()
  session?.close()
  const end = () => {
    stalling[Symbol.dispose]()
    demo[Symbol.dispose]()
  }
  return { sessions: demo.sessions, stream, session, socket, [Symbol.dispose]: end }
}

test('a session that was retired and is destroyed before its last answer is waited for no longer', async () => {
  using retired = await retire()
  retired.stream.respond({ ':status': 200 })
  retired.stream.write(Buffer.alloc(largeBytes))
  // As grpc-js does when pings are not answered.
  retired.session?.destroy()
  await once(retired.stream, 'close')
  retired.sessions.look()
  retired.sessions.look()
  expect(retired.socket?.destroyed).toBe(true)
})

test('a session that was retired and is over behind its last answer may be read slowly', async () => {
  using retired = await retire()
  retired.stream.respond({ ':status': 200, 'grpc-status': '0' }, { endStream: true })
  while (retired.session?.destroyed !== true) await setImmediate()
  retired.sessions.look()
  retired.sessions.look()
  expect(retired.socket?.destroyed).toBe(false)
})

/** A caller, and how often it was asked to go elsewhere. */
function openCounting(port: number) {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined)
  session.request({ ':path': '/' }).resume()
  let askedCount = 0
  session.on('goaway', (_code: number, lastStreamId: number) => {
    if (lastStreamId === 2 ** 31 - 1) askedCount += 1
  })
  return { session, askedCount: () => askedCount }
}

test('a caller that has only just come is asked to go elsewhere at the next occasion, and nobody twice', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const held: ServerHttp2Stream[] = []
  using demo = await serve((stream) => held.push(stream))
  const first = openCounting(demo.port)
  await vi.waitFor(() => expect(held).toHaveLength(1))
  demo.sessions.turnAway()
  const second = openCounting(demo.port)
  await vi.waitFor(() => expect(held).toHaveLength(2))
  const asked = () => [first.askedCount(), second.askedCount()]
  vi.advanceTimersByTime(250)
  await vi.waitFor(() => expect(asked()).toEqual([1, 0]))
  vi.advanceTimersByTime(250)
  await vi.waitFor(() => expect(asked()).toEqual([1, 1]))
  vi.advanceTimersByTime(1_000)
  await demo.sessions.withdraw()
  expect(asked()).toEqual([1, 1])
  for (const { session } of [first, second]) session.destroy()
  demo.sessions.close()
})

test('callers are asked to go elsewhere while their calls, and those that still come, are served', async () => {
  const held: ServerHttp2Stream[] = []
  using demo = await serve((stream) => held.push(stream))
  const asked = demo.client.request({ ':path': '/' }).resume()
  demo.sessions.turnAway()
  const [code, lastStreamId] = await once(demo.client, 'goaway')
  expect({ code, lastStreamId }).toEqual({ code: 0, lastStreamId: 2 ** 31 - 1 })
  const late = connect(`http://127.0.0.1:${demo.port}`)
  const askedLate = late.request({ ':path': '/' }).resume()
  await once(late, 'goaway')
  expect(held).toHaveLength(2)
  const answers = Promise.all([once(asked, 'response'), once(askedLate, 'response')])
  for (const stream of held) stream.respond({ ':status': 200 }, { endStream: true })
  for (const [headers] of await answers) expect(headers).toMatchObject({ ':status': 200 })
  late.destroy()
  demo.sessions.close()
})
