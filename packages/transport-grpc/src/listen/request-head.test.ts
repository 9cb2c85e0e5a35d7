import { constants } from 'node:http2'
import {
  Client,
  type ClientDuplexStream,
  type ClientWritableStream,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { begin, call, frame, open, pathOf, readReply, serve } from './server.test-harness.ts'

const ok = { ':status': 200 }

test.each([
  ['application/grpc', ok, '0'],
  ['application/grpc+proto', ok, '0'],
  ['application/grpc; charset=utf-8', ok, '0'],
  ['application/grpc+json', { ...ok, 'grpc-status': '12' }, undefined],
  ['application/grpc+thrift', { ...ok, 'grpc-status': '12' }, undefined],
  ['application/grpc-web', { ':status': 415 }, undefined],
  ['Application/gRPC', { ':status': 415 }, undefined],
  ['application/grpcx', { ':status': 415 }, undefined],
  ['application/json', { ':status': 415 }, undefined],
  [undefined, { ':status': 415 }, undefined],
])('content-type %s', async (type, headers, status) => {
  await using demo = await serve()
  using session = open(demo.port)
  const reply = await call(session, { headers: { 'content-type': type } })
  expect(reply.headers).toMatchObject(headers)
  expect(reply.trailers['grpc-status']).toBe(status)
  if (headers[':status'] === 415) expect(reply.headers['grpc-status']).toBeUndefined()
})

test('te is not asked for, and another method than POST is not allowed', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  expect((await call(session, { headers: { te: undefined } })).trailers['grpc-status']).toBe('0')
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const { headers } = await call(session, { headers: { ':method': method } })
    expect(headers).toMatchObject({ ':status': 405, allow: 'POST' })
  }
})

test.each(['/', '/demo.v1.Echo', '/demo.v1.Echo/Lost', '/demo.v1.Echo/say', '/demo.v1.echo/Say', '/x/%00', '//Say'])(
  'the path %s is unimplemented, whether its request ends or not',
  async (path) => {
    await using demo = await serve()
    using session = open(demo.port)
    for (const isLeftOpen of [false, true]) {
      const { headers, resetCode } = await call(session, { path, isLeftOpen })
      expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc+proto', 'grpc-status': '12' })
      expect(resetCode).toBe(constants.NGHTTP2_NO_ERROR)
    }
  },
)

const [internal, served, late] = ['13', '0', '4']

test.each([
  ['1H', served],
  ['1M', served],
  ['20S', served],
  ['20000m', served],
  ['20000000u', served],
  ['99999999n', served],
  // More than a timer takes: 11 000 and 26 years.
  ['99999999H', served],
  ['99999999M', served],
  ['00000001H', served],
  ['0S', late],
  ['1n', late],
  ['', internal],
  ['1', internal],
  ['S', internal],
  ['1s', internal],
  ['1h', internal],
  ['1 S', internal],
  ['-1S', internal],
  ['+1S', internal],
  ['1.5S', internal],
  ['1e3m', internal],
  ['123456789S', internal],
  ['1S1m', internal],
  ['x1S', internal],
  ['1S, 2S', internal],
  ['١S', internal],
])('grpc-timeout %j', async (timeout, status) => {
  const slow = async (signal: AbortSignal | undefined) => {
    if (status === late && signal?.aborted === false)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return { text: 'hello' }
  }
  await using demo = await serve({}, ({ signal }) => slow(signal))
  using session = open(demo.port)
  const sent = Buffer.from(timeout).toString('latin1')
  const { headers, trailers } = await call(session, { headers: { 'grpc-timeout': sent } })
  expect(trailers['grpc-status'] ?? headers['grpc-status']).toBe(status)
})

test('a time limit is what the call is told, in every unit', async () => {
  const seen: (number | undefined)[] = []
  await using demo = await serve({}, (arrival) => {
    seen.push(arrival.timeoutMs)
    return { text: 'hello' }
  })
  using session = open(demo.port)
  for (const timeout of ['2H', '120M', '7200S', '7200000m', '99999999u', '99999999H', undefined])
    await call(session, { headers: { 'grpc-timeout': timeout } })
  const hours = seen.map((timeoutMs) =>
    timeoutMs === undefined ? timeoutMs : Math.round((timeoutMs / 3_600_000) * 10),
  )
  expect(hours).toEqual([20, 20, 20, 20, 0, 5965, undefined])
})

test('an unknown compression is unimplemented and told what there is, before any message', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  for (const encoding of ['snappy', 'br', '', 'gzip, gzip']) {
    const { headers } = await call(session, { headers: { 'grpc-encoding': encoding } })
    expect(headers).toMatchObject({ 'grpc-status': '12', 'grpc-accept-encoding': 'identity,gzip,deflate' })
  }
  const { trailers } = await call(session, { headers: { 'grpc-encoding': 'identity' } })
  expect(trailers['grpc-status']).toBe('0')
})

test('of what a caller names no more is told back than anybody can read', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  const long = 'x'.repeat(10_000)
  for (const [request, message] of [
    [{ headers: { 'grpc-encoding': long } }, `messages that are compressed with ${'x'.repeat(32)}… are not supported`],
    [
      { headers: { 'grpc-encoding': 'b\u00e9\u00ff\t%r' } },
      'messages that are compressed with b???%r are not supported',
    ],
    [
      { headers: { 'content-type': `application/grpc+${long}` } },
      `messages of ${'x'.repeat(32)}… are not supported, expected application/grpc+proto`,
    ],
    [{ path: `/demo.v1.Echo/${long}` }, 'the method is not known'],
  ] as const) {
    const { headers } = await call(session, request)
    expect(headers['grpc-status']).toBe('12')
    expect(decodeURI(String(headers['grpc-message']))).toBe(message)
  }
})

test('a client of grpc-js is told that a method is unknown, in all kinds of calls', async () => {
  await using demo = await serve()
  const target = `127.0.0.1:${demo.port}`
  const client = new Client(target, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  const path = '/demo.v1.Lost/Say'
  const same = (bytes: Buffer) => bytes
  const endOf = (made: ClientDuplexStream<Buffer, Buffer> | ClientWritableStream<Buffer>) =>
    new Promise<number>((resolve) => {
      made.on('error', () => undefined).on('status', ({ code }: StatusObject) => resolve(code))
    })
  for (let count = 0; count < 20; count += 1) {
    const chat = client.makeBidiStreamRequest(path, same, same)
    chat.resume().write(frame('Ada'))
    const gather = client.makeClientStreamRequest(path, same, same, () => undefined)
    gather.write(frame('Ada'))
    expect(await Promise.all([endOf(chat), endOf(gather)])).toEqual([12, 12])
  }
  client.close()
})

test('a request that is refused does not have to be sent to its end, and others go on', async () => {
  await using demo = await serve()
  using session = open(demo.port)
  const endless = begin(session, { headers: { 'content-type': 'text/plain' } })
  const reply = readReply(endless)
  endless.write(Buffer.alloc(1_000_000))
  expect((await reply).headers[':status']).toBe(415)
  expect((await call(session, { path: pathOf('Say'), body: frame('Ada') })).trailers['grpc-status']).toBe('0')
})
