import { once } from 'node:events'
import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { begin, call, frame, open, pathOf, readReply, serve } from '../listen/server.test-harness.ts'
import { readDetails } from '../wire/status-details.ts'

afterEach(() => void vi.useRealTimers())

const limitMs = 300_000
const never = new AbortController().signal

/** A server whose clock stands still, and how many calls its handlers have seen. */
async function start() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  let seenCount = 0
  const demo = await serve({ requestTimeoutMs: limitMs }, () => {
    seenCount += 1
    return { text: 'hello' }
  })
  const session = open(demo.port)
  return {
    ...demo,
    session,
    seenCount: () => seenCount,
    // What was sent before on the same connection has arrived by then.
    arrived: async () => void (await call(session)),
    [Symbol.asyncDispose]: async () => {
      session.destroy()
      await demo[Symbol.asyncDispose]()
    },
  }
}

async function answerTo(made: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  const [headers] = (await once(made, 'response')) as [IncomingHttpHeaders]
  return headers
}

function reasonOf(headers: IncomingHttpHeaders): string | undefined {
  return readDetails(Buffer.from(String(headers['grpc-status-details-bin']), 'base64')).reason
}

const parts = [
  { what: 'nothing', path: pathOf('Say'), bytes: Buffer.alloc(0) },
  { what: 'a part of its message', path: pathOf('Say'), bytes: frame('Ada').subarray(0, 7) },
  { what: 'its whole message, but not that it was all', path: pathOf('Say'), bytes: frame('Ada') },
  { what: 'a part of its message, for a stream', path: pathOf('Watch'), bytes: frame('Ada').subarray(0, 3) },
  { what: 'nothing, to health', path: '/grpc.health.v1.Health/Check', bytes: Buffer.alloc(0) },
]

test('calls whose request never arrives are warned of at once, with their count, and those of the last minute at the end', async () => {
  await using demo = await start()
  const beginMany = async (length: number) => {
    const made = Array.from({ length }, () => begin(demo.session, {}))
    await demo.arrived()
    return made
  }
  const early = await beginMany(3)
  vi.advanceTimersByTime(5_000)
  const late = await beginMany(2)
  vi.advanceTimersByTime(limitMs)
  await Promise.all([...early, ...late].map(answerTo))
  const counts = () => demo.lines.flatMap(({ fields }) => ('lateCount' in fields ? [fields] : []))
  expect(counts()).toEqual([{ requestTimeoutMs: limitMs, lateCount: 3 }])
  demo.session.destroy()
  await demo.server.close()
  expect(counts().slice(1)).toEqual([{ requestTimeoutMs: limitMs, lateCount: 2 }])
})

describe.each(parts)('a call that has sent $what', ({ path, bytes }) => {
  test('ends when its time is over, and others go on', async () => {
    await using demo = await start()
    const early = begin(demo.session, { path })
    if (bytes.length > 0) early.write(bytes)
    await demo.arrived()
    vi.advanceTimersByTime(limitMs - 1_000)
    const late = begin(demo.session, {})
    await demo.arrived()
    vi.advanceTimersByTime(1_000)
    const answer = await answerTo(early)
    expect(answer).toMatchObject({
      'grpc-status': '4',
      'grpc-message': 'the%20request%20did%20not%20arrive%20in%20time',
    })
    expect(reasonOf(answer)).toBe('request_timeout')
    const reply = readReply(late)
    late.end(frame('Ada'))
    expect((await reply).trailers['grpc-status']).toBe('0')
  })

  test('is refused at once by a drain, which does not wait for it', async () => {
    await using demo = await start()
    const made = begin(demo.session, { path })
    if (bytes.length > 0) made.write(bytes)
    await demo.arrived()
    const drained = demo.server.drain(never)
    const answer = await answerTo(made)
    expect([answer['grpc-status'], reasonOf(answer)]).toEqual(['14', 'draining'])
    await drained
  })

  test('reaches no handler when the rest comes after its answer', async () => {
    await using demo = await start()
    const made = begin(demo.session, { path })
    if (bytes.length > 0) made.write(bytes)
    await demo.arrived()
    vi.advanceTimersByTime(limitMs)
    await answerTo(made)
    const closed = once(made.resume(), 'close')
    made.end(frame('Ada').subarray(bytes.length))
    await closed
    const before = demo.seenCount()
    await demo.arrived()
    expect(demo.seenCount()).toBe(before + 1)
  })
})

test('a call whose own time is over before its request is there reaches no handler either', async () => {
  await using demo = await start()
  const made = begin(demo.session, { headers: { 'grpc-timeout': '20m' } })
  made.write(frame('Ada'))
  expect((await answerTo(made))['grpc-status']).toBe('4')
  const closed = once(made.resume(), 'close')
  made.end()
  await closed
  await demo.arrived()
  expect(demo.seenCount()).toBe(1)
})

test('a call that is begun while a drain waits for others does not hold it up', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  await using demo = await serve({}, async () => {
    arrived.resolve()
    await promise
    return { text: 'late' }
  })
  using session = open(demo.port)
  const running = call(session)
  await arrived.promise
  const goaway = once(session, 'goaway')
  const drained = demo.server.drain(never)
  await goaway
  using other = open(demo.port)
  const made = begin(other, {})
  const answer = answerTo(made)
  await once(other, 'remoteSettings')
  await new Promise<void>((done) => other.ping(() => done()))
  resolve()
  expect((await running).trailers['grpc-status']).toBe('0')
  expect((await answer)['grpc-status']).toBe('14')
  await drained
})

test('a stream of messages takes as long as it likes', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  const { promise, resolve } = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  await using demo = await serve({ requestTimeoutMs: limitMs }, async () => {
    arrived.resolve()
    await promise
    return { text: 'late' }
  })
  using session = open(demo.port)
  const made = begin(session, { path: pathOf('Gather') })
  const reply = readReply(made)
  await arrived.promise
  vi.advanceTimersByTime(2 * limitMs)
  resolve()
  made.end()
  expect((await reply).trailers['grpc-status']).toBe('0')
})

test('an answered call that its caller keeps open is let go, without a drain', async () => {
  await using demo = await start()
  const made = begin(demo.session, { path: pathOf('Gather') })
  const reply = readReply(made)
  made.write(frame('Ada'))
  await once(made, 'trailers')
  vi.advanceTimersByTime(1_000)
  expect(await reply).toMatchObject({ trailers: { 'grpc-status': '0' }, resetCode: constants.NGHTTP2_NO_ERROR })
})
