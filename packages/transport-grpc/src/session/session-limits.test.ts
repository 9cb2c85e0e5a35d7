import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type ClientHttp2Session, constants } from 'node:http2'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { begin, call, endOf, frame, identity, open, pathOf, readReply, serve } from '../listen/server.test-harness.ts'

const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM

async function ping(session: ClientHttp2Session): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  session.once('close', () => resolve(false))
  if (session.destroyed || !session.ping((error) => resolve(error === null))) return false
  return promise
}

/** Pings until there is no answer, but not for ever. @returns how many were sent. */
async function pingUntilClosed(session: ClientHttp2Session): Promise<number> {
  let pingCount = 1
  while (pingCount < 20 && (await ping(session))) pingCount += 1
  return pingCount
}

const tls = identity('limits')

/** A server that is reached over one of the ways that there are, and its connections. */
async function serveOver(way: 'plain text' | 'TLS' | 'a Unix socket') {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
  const path = join(folder, 'grpc.sock')
  const demo = await serve({ 'plain text': {}, TLS: { tls }, 'a Unix socket': { path } }[way])
  const secure = { isSecure: true, ca: tls.cert }
  const ways = { 'plain text': {}, TLS: secure, 'a Unix socket': { createConnection: () => connect(path) } }
  const close = async () => {
    await demo[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  }
  return { ...demo, connect: () => open(demo.port, ways[way]), [Symbol.asyncDispose]: close }
}

test.each(['plain text', 'TLS', 'a Unix socket'] as const)(
  'over %s a caller that pings too often is told to calm down, and others are served',
  async (way) => {
    await using demo = await serveOver(way)
    using session = demo.connect()
    using other = demo.connect()
    const end = endOf(session)
    await call(session)
    // The first may answer to what was sent before, two are forgiven.
    expect(await pingUntilClosed(session)).toBeLessThan(6)
    expect((await end)[0]).toMatchObject({ code: calm, text: 'too_many_pings' })
    expect((await call(other)).trailers['grpc-status']).toBe('0')
  },
)

test('over TLS a connection that was ended for its pings does not hold up closing', async () => {
  await using demo = await serveOver('TLS')
  using session = demo.connect()
  await once(session, 'remoteSettings')
  await pingUntilClosed(session)
  session.destroy()
  await demo.server.close()
})

test('settings between pings do not hide them, though each is answered', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  await once(session, 'remoteSettings')
  const end = endOf(session)
  let pingCount = 0
  for (; pingCount < 20 && !session.destroyed && !session.closed; pingCount += 1) {
    await new Promise<void>((taken) => {
      session.once('close', taken)
      session.settings({ enablePush: false }, () => taken())
    })
    if (!(await ping(session))) break
  }
  expect(pingCount).toBeLessThan(6)
  expect((await end)[0]).toMatchObject({ code: calm, text: 'too_many_pings' })
})

test('pings in one breath are too many as well', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  await once(session, 'remoteSettings')
  const end = endOf(session)
  for (let count = 0; count < 9; count += 1) void ping(session)
  expect((await end)[0]).toMatchObject({ code: calm, text: 'too_many_pings' })
})

test('pings between messages are forgiven, as many as there are, and with 0 all are', async () => {
  await using demo = await serve({}, () => ({ text: 'hello' }))
  using session = open(demo.port)
  for (let count = 0; count < 10; count += 1) {
    expect((await call(session)).trailers['grpc-status']).toBe('0')
    expect(await ping(session)).toBe(true)
  }
  await using lax = await serve({ minPingIntervalMs: 0 })
  using pinging = open(lax.port)
  await once(pinging, 'remoteSettings')
  for (let count = 0; count < 20; count += 1) expect(await ping(pinging)).toBe(true)
})

test('a caller that resets its calls as soon as they are open is cut off, and others are served', async () => {
  let served = 0
  await using demo = await serve({ maxResetsPerSecond: 50 }, async () => {
    served += 1
    return new Promise(() => undefined)
  })
  using session = open(demo.port)
  const end = endOf(session)
  await once(session, 'remoteSettings')
  for (let count = 0; count < 2_000 && !session.closed && !session.destroyed; count += 1) {
    const made = begin(session, {})
    made.write(frame('Ada'), () => made.close(constants.NGHTTP2_CANCEL))
    if (count % 10 === 0) await setImmediate()
  }
  expect((await end)[0]).toMatchObject({ code: calm, text: 'too_many_resets' })
  expect(served).toBeLessThan(200)
})

test('calls whose time is over are no resets, however many end at once', async () => {
  await using demo = await serve({ maxResetsPerSecond: 50 }, () => new Promise(() => undefined))
  using session = open(demo.port)
  await once(session, 'remoteSettings')
  const closed: Promise<unknown>[] = []
  for (let count = 0; count < 200; count += 1) {
    // What is left is less than a caller may be early by, so that nothing has to be waited for.
    const stream = begin(session, { headers: { 'grpc-timeout': '20m' } })
    closed.push(once(stream, 'close'))
    stream.write(frame('Ada'), () => stream.close(constants.NGHTTP2_CANCEL))
    if (count % 10 === 0) await setImmediate()
  }
  await Promise.all(closed)
  expect(await ping(session)).toBe(true)
})

test('calls that were answered before they were reset do not count', async () => {
  await using demo = await serve({ maxResetsPerSecond: 5 }, () => ({
    async *[Symbol.asyncIterator]() {
      yield { text: 'first' }
      await new Promise(() => undefined)
    },
  }))
  using session = open(demo.port)
  for (let count = 0; count < 20; count += 1) {
    const watching = begin(session, { path: pathOf('Watch') })
    watching.end(frame('Ada'))
    await once(watching, 'response')
    const end = readReply(watching)
    watching.close(constants.NGHTTP2_CANCEL)
    await end
  }
  expect(session.closed).toBe(false)
})

test('a connection that says nothing is closed when its time is over', async () => {
  await using demo = await serve({ handshakeTimeoutMs: 1_000 })
  using session = open(demo.port)
  expect((await call(session)).trailers['grpc-status']).toBe('0')
  const silent = connect(demo.port, '127.0.0.1')
  await once(silent.resume(), 'close')
  // It is older, and would be closed by now as well.
  expect((await call(session)).trailers['grpc-status']).toBe('0')
})

test('headers beyond the limit reset the call, and the connection goes on', async () => {
  await using demo = await serve({ maxHeaderBytes: 2_000 })
  using session = open(demo.port)
  // The first is on the way before the caller can have heard of the limit.
  for (let count = 0; count < 2; count += 1) {
    const flood = await call(session, { headers: { 'x-large': 'x'.repeat(2_000) } })
    expect([flood.resetCode, flood.headers[':status']]).toEqual([calm, undefined])
  }
  expect((await call(session, { headers: { 'x-large': 'x'.repeat(1_000) } })).trailers['grpc-status']).toBe('0')
})

test('callers are told how many calls they may have at a time, and how large their headers may be', async () => {
  await using demo = await serve({ maxConcurrentStreams: 7, maxHeaderBytes: 4_096 })
  using session = open(demo.port)
  await once(session, 'remoteSettings')
  expect(session.remoteSettings).toMatchObject({ maxConcurrentStreams: 7, maxHeaderListSize: 4_096 })
})
