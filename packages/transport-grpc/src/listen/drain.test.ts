import { once } from 'node:events'
import { constants } from 'node:http2'
import { connect } from 'node:net'
import { Client, credentials } from '@grpc/grpc-js'
import { ServiceError } from '@tenon/core/transport'
import { expect, test } from 'vitest'
import { begin, call, frame, open, pathOf, readReply, serve } from './server.test-harness.ts'

const never = () => new Promise(() => undefined)

test('a drain asks callers at once to go elsewhere, and waits for their calls', async () => {
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
  const drained = demo.server.drain(new AbortController().signal)
  const [code, lastStreamId] = (await goaway) as [number, number]
  // No stream is refused by it: what is on the way already is answered by the service.
  expect([code, lastStreamId]).toEqual([constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1])
  resolve()
  expect((await running).trailers['grpc-status']).toBe('0')
  await drained
})

test('a client that is told to go elsewhere makes its next call on another connection', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const peers: (string | undefined)[] = []
  await using demo = await serve({}, async ({ peer, metadata }) => {
    peers.push(peer)
    if (metadata['x-wait'] !== undefined) {
      arrived.resolve()
      await promise
    }
    return { text: 'served' }
  })
  const client = new Client(`127.0.0.1:${demo.port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  })
  const say = () =>
    new Promise<boolean>((done) => {
      client.makeUnaryRequest(pathOf('Say'), same, same, frame('Ada').subarray(5), (error) => done(error === null))
    })
  expect(await say()).toBe(true)
  using holder = open(demo.port)
  const held = call(holder, { headers: { 'x-wait': '1' } })
  await arrived.promise
  const goaway = once(holder, 'goaway')
  const drained = demo.server.drain(new AbortController().signal)
  await goaway
  // Here the service itself still answers; behind a dispatcher that drains this is `unavailable`.
  expect(await say()).toBe(true)
  expect(new Set(peers).size).toBe(3)
  resolve()
  await held
  await drained
  expect(await say()).toBe(false)
  client.close()
})

test('connections without calls are closed by a drain, also those on which nothing ever came', async () => {
  await using demo = await serve()
  using idle = open(demo.port)
  expect((await call(idle)).trailers['grpc-status']).toBe('0')
  const silent = connect(demo.port, '127.0.0.1')
  await once(silent, 'data')
  const half = connect(demo.port, '127.0.0.1')
  half.write('PRI * HTTP/2.0\r\n')
  await once(half, 'data')
  const closed = [once(idle, 'close'), once(silent.resume(), 'close'), once(half.resume(), 'close')]
  await demo.server.drain(new AbortController().signal)
  await Promise.all(closed)
})

test('a request that was refused and never ends holds up no drain', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  for (const request of [{ path: '/lost.v1.Lost/Say' }, { headers: { 'content-type': 'text/plain' } }]) {
    const made = begin(session, request)
    made.write(frame('Ada'))
    await readReply(made)
  }
  await demo.server.drain(new AbortController().signal)
})

test('a stream that never ends holds up a drain until its deadline, and closing only for so long', async () => {
  await using demo = await serve({}, () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }))
  using session = open(demo.port)
  const watching = begin(session, { path: pathOf('Watch') })
  watching.end(frame('Ada'))
  await once(watching, 'response')
  await demo.server.close().catch(() => undefined)
  expect(watching.destroyed || session.closed).toBe(true)
})

test.each([false, true])(
  'an answered call whose caller keeps it open does not hold up a drain (error: %s)',
  async (fails) => {
    await using demo = await serve({}, () => {
      if (fails) throw new ServiceError('unavailable', 'not now')
      return { text: 'enough' }
    })
    using session = open(demo.port)
    const made = begin(session, { path: pathOf('Gather') })
    made.write(frame('Ada'))
    const [given] = (await once(made.resume(), fails ? 'response' : 'trailers')) as [object]
    expect(given).toMatchObject({ 'grpc-status': fails ? '14' : '0' })
    expect(made.writable).toBe(true)
    await demo.server.drain(new AbortController().signal)
  },
)

test('a call that is answered while the server finishes is closed behind its answer', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  await using demo = await serve({}, async () => {
    arrived.resolve()
    await promise
    return { text: 'late' }
  })
  using session = open(demo.port)
  const made = begin(session, { path: pathOf('Gather') })
  made.write(frame('Ada'))
  const reply = readReply(made)
  await arrived.promise
  const drained = demo.server.drain(new AbortController().signal)
  resolve()
  expect(await reply).toMatchObject({ trailers: { 'grpc-status': '0' }, resetCode: constants.NGHTTP2_NO_ERROR })
  await drained
})

const same = (bytes: Buffer): Buffer => bytes
