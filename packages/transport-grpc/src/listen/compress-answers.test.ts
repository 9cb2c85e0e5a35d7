import { gunzipSync, gzipSync, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { call, frame, framed, open, pathOf, serve } from './server.test-harness.ts'

const long = 'x'.repeat(50_000)

/** The messages in a body, unpacked where they are packed, and which are. */
function messagesOf(body: Buffer) {
  const messages: { readonly isPacked: boolean; readonly bytes: Buffer }[] = []
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1)
    const isPacked = body[at] === 1
    const bytes = body.subarray(at + 5, end)
    messages.push({ isPacked, bytes: isPacked ? gunzipSync(bytes) : bytes })
    at = end
  }
  return messages
}

const plain = (text: string) => frame(text).subarray(5)

test('answers of some size are compressed for callers that accept it, where that is switched on', async () => {
  await using demo = await serve({ compression: 'gzip' }, () => ({ text: long }))
  await using off = await serve({}, () => ({ text: long }))
  for (const [port, accepted, isPacked] of [
    [demo.port, 'identity, deflate,gzip', true],
    [demo.port, 'identity', false],
    [demo.port, undefined, false],
    [off.port, 'gzip', false],
  ] as const) {
    using session = open(port)
    const reply = await call(session, { headers: { 'grpc-accept-encoding': accepted } })
    expect(messagesOf(reply.body)).toEqual([{ isPacked, bytes: plain(long) }])
    expect(reply.headers['grpc-encoding']).toBe(isPacked ? 'gzip' : 'identity')
    expect(reply.trailers['grpc-status']).toBe('0')
    if (isPacked) expect(reply.body.length).toBeLessThan(1_000)
  }
})

test('a stream keeps its order where only some messages are compressed, and its error comes last', async () => {
  const texts = ['a', long, 'b', long, long, 'c']
  await using demo = await serve({ compression: 'gzip' }, () => ({
    async *[Symbol.asyncIterator]() {
      for (const text of texts) yield { text }
      throw new Error('broken')
    },
  }))
  using session = open(demo.port)
  const headers = { 'grpc-accept-encoding': 'gzip' }
  const reply = await call(session, { path: pathOf('Watch'), headers })
  expect(messagesOf(reply.body)).toEqual(texts.map((text) => ({ isPacked: text.length > 1_024, bytes: plain(text) })))
  expect(reply.trailers['grpc-status']).toBe('13')
})

test('an answer larger than the limit is resource_exhausted, with how large it is', async () => {
  await using demo = await serve({ maxResponseBytes: 100, compression: 'gzip' }, ({ metadata }) => ({
    text: 'x'.repeat(Number(metadata['x-size'])),
  }))
  using session = open(demo.port)
  const ask = async (size: number) => {
    const { headers, trailers } = await call(session, { headers: { 'x-size': String(size) } })
    return { ...headers, ...trailers }
  }
  expect(await ask(98)).toMatchObject({ 'grpc-status': '0' })
  const refused = await ask(99)
  expect(refused).toMatchObject({ 'grpc-status': '8' })
  expect(decodeURIComponent(String(refused['grpc-message']))).toBe(
    'the answer is larger than this server sends: 101 bytes, 100 are the most',
  )
})

test('what comes compressed is read, and what unpacks to more than the limit is resource_exhausted', async () => {
  const seen: unknown[] = []
  await using demo = await serve({ maxRequestBytes: 10_000 }, (arrival) => {
    seen.push(arrival.decode())
    return { text: 'read' }
  })
  using session = open(demo.port)
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const send = async (text: string) => {
      const { headers, trailers } = await call(session, {
        headers: { 'grpc-encoding': encoding },
        body: framed(pack(plain(text)), 1),
      })
      return trailers['grpc-status'] ?? headers['grpc-status']
    }
    expect(await send('Ada')).toBe('0')
    // A thousand times as large as it comes.
    expect(await send('x'.repeat(10_000_000))).toBe('8')
    const broken = { headers: { 'grpc-encoding': encoding }, body: framed(Buffer.from('no archive'), 1) }
    const { headers, trailers } = await call(session, broken)
    expect(trailers['grpc-status'] ?? headers['grpc-status']).toBe('13')
  }
  expect(seen).toEqual([{ text: 'Ada' }, { text: 'Ada' }])
})
