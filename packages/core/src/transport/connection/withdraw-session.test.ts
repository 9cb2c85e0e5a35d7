import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { withdrawSession } from './withdraw-session.ts'

interface Frame {
  readonly type: number
  readonly streamId: number
  readonly content: Buffer
}

/** A caller that does not heed what it is told, and has one call under way. */
async function callHeedless() {
  const server = createServer()
  const taken: ServerHttp2Stream[] = []
  server.on('stream', (stream) => taken.push(stream))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(Buffer.concat([preface, ask(1)]))
  await once(server, 'stream')
  const session = taken[0]?.session as ServerHttp2Session
  const end = () => {
    session.destroy()
    socket.destroy()
    server.close()
  }
  return { session, socket, taken, [Symbol.dispose]: end }
}

const [headersType, settingsType, pingType, goawayType, windowUpdateType] = [1, 4, 6, 7, 8]

/** Answers of any size fit into its windows. @see RFC 9113 sections 3.4, 6.5.2 and 6.9 */
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(settingsType, { content: [0, 4, 0x7f, 0xff, 0xff, 0xff] }),
  frame(windowUpdateType, { content: [0x7f, 0, 0, 0] }),
])

/** GET / of the authority `a`. @see RFC 7541 appendix A */
function ask(streamId: number): Buffer {
  return frame(headersType, { flags: 5, streamId, content: [0x82, 0x86, 0x84, 0x41, 1, 0x61] })
}

interface FrameParts {
  readonly flags?: number
  readonly streamId?: number
  readonly content: Iterable<number>
}

function frame(type: number, { flags = 0, streamId = 0, content }: FrameParts): Buffer {
  const bytes = [...content]
  return Buffer.from([0, 0, bytes.length, type, flags, 0, 0, 0, streamId, ...bytes])
}

async function* framesOf(socket: Socket): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, bytes])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      yield { type: rest.readUInt8(3), streamId: rest.readUInt32BE(5), content: rest.subarray(9, end) }
      rest = rest.subarray(end)
    }
  }
}

async function nextOf(frames: AsyncGenerator<Frame>, type: number): Promise<Frame> {
  for (;;) {
    const { value, done } = await frames.next()
    if (done === true) throw new Error('the connection has ended')
    if (value.type === type) return value
  }
}

function toTold({ content }: Frame) {
  return { last: content.readUInt32BE(0), code: content.readUInt32BE(4), reason: content.subarray(8).toString() }
}

const largest = 2 ** 31 - 1

test('a call that was sent before its caller had heard is refused, and the one before it served', async () => {
  using caller = await callHeedless()
  const frames = framesOf(caller.socket)
  const withdrawn = withdrawSession(caller.session, 600_000, 'max_age')
  // Node sends it first, but in one piece with the other.
  const { content } = await nextOf(frames, pingType)
  expect(toTold(await nextOf(frames, goawayType))).toEqual({ last: largest, code: 0, reason: 'max_age' })
  caller.socket.write(Buffer.concat([ask(3), frame(pingType, { flags: 1, content })]))
  expect(toTold(await nextOf(frames, goawayType))).toEqual({ last: 1, code: 0, reason: 'max_age' })
  await withdrawn
  expect(caller.taken.map(({ id }) => id)).toEqual([1])
  caller.taken[0]?.respond({ ':status': 200 }, { endStream: true })
  expect(await nextOf(frames, headersType)).toMatchObject({ streamId: 1 })
})

test('a caller that never says that it has heard is told no later', async () => {
  using caller = await callHeedless()
  const frames = framesOf(caller.socket)
  await withdrawSession(caller.session, 1)
  expect(toTold(await nextOf(frames, goawayType))).toMatchObject({ last: largest })
  expect(toTold(await nextOf(frames, goawayType))).toMatchObject({ last: 1 })
})

/** What no system keeps between two ends of a connection. */
const largeBytes = 30_000_000

test('a caller that does not read is named the last call when it reads again, and none before that may still be followed', async () => {
  using caller = await callHeedless()
  const [stream] = caller.taken
  stream?.respond({ ':status': 200 })
  stream?.write(Buffer.alloc(largeBytes))
  // What follows waits for it.
  while (stream?.session?.state.outboundQueueSize !== 0) await setImmediate()
  const { session } = caller
  const named: (number | undefined)[] = []
  const goaway = session.goaway.bind(session)
  session.goaway = (...given) => {
    named.push(given[1])
    goaway(...given)
  }
  await withdrawSession(session, 1)
  expect(named).toEqual([largest])
  const frames = framesOf(caller.socket)
  expect(toTold(await nextOf(frames, goawayType))).toMatchObject({ last: largest })
  expect(toTold(await nextOf(frames, goawayType))).toMatchObject({ last: 1 })
})

test.each(['close', 'destroy'] as const)('a session is told nothing behind its end (%s)', async (end) => {
  using caller = await callHeedless()
  const { session } = caller
  session[end]()
  session.goaway = () => expect.unreachable('behind its last number no larger one may follow')
  await withdrawSession(session, 600_000)
})

test('a session that ends meanwhile is waited for no longer', async () => {
  using caller = await callHeedless()
  const withdrawn = withdrawSession(caller.session, 600_000)
  caller.socket.destroy()
  await withdrawn
})
