import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { callOf, failureOf, kinds, open, serve } from './client.test-harness.ts'

/** Passes bytes on to a port, and counts those on their way there. */
async function countingProxy(port: number) {
  let sentBytes = 0
  const proxy = createServer((socket) => {
    const onward = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => (sentBytes += chunk.length))
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as AddressInfo).port,
    sentBytes: () => sentBytes,
    [Symbol.asyncDispose]: async () => void proxy.close(),
  }
}

const long = 'a'.repeat(200_000)

test.each(kinds)(
  'a message that is too large is not sent, and the option named in the cause alone: %s',
  async (kind) => {
    const seen: string[] = []
    await using server = await serve(({ text }) => void seen.push(text))
    await using caller = open(server.port, { maxRequestBytes: 100 })
    const error = await failureOf(callOf(caller.client, { kind, text: long }))
    expect(error).toMatchObject({ code: 'resource_exhausted', reason: 'request_too_large' })
    expect(error.message).not.toContain('maxRequestBytes')
    expect(String(error.cause)).toContain('maxRequestBytes')
    expect(await callOf(caller.client, { kind, text: 'a'.repeat(97) })).toHaveLength(1)
    expect(seen).toEqual(['a'.repeat(97)])
  },
)

test.each(kinds)('an answer that is too large is not taken, compressed or not: %s', async (kind) => {
  for (const compression of ['identity', 'gzip'] as const) {
    await using server = await serve()
    await using caller = open(server.port, { maxResponseBytes: 1_000, compression })
    const error = await failureOf(callOf(caller.client, { kind, text: long }))
    expect(error).toMatchObject({ code: 'resource_exhausted', reason: 'reply_too_large' })
    expect(error.message).not.toContain('maxResponseBytes')
    expect(String(error.cause)).toContain('maxResponseBytes')
    expect(await callOf(caller.client, { kind, text: 'a' })).toHaveLength(1)
  }
})

test("what the callee finds too large is the callee's word", async () => {
  await using server = await serve()
  await using caller = open(server.port)
  const error = await failureOf(callOf(caller.client, { kind: 'say', text: 'a'.repeat(5_000_000) }))
  expect(error).toMatchObject({ code: 'resource_exhausted' })
  expect(error.cause).toBeUndefined()
  expect(error.reason).not.toBe('reply_too_large')
})

test.each(kinds)('messages go out compressed where that is asked for: %s', async (kind) => {
  await using server = await serve()
  await using proxy = await countingProxy(server.port)
  await using caller = open(proxy.port, { compression: 'gzip' })
  expect(await callOf(caller.client, { kind, text: long })).toEqual([{ text: long }])
  expect(proxy.sentBytes()).toBeLessThan(20_000)
})

test('messages go out as they are where it is not', async () => {
  await using server = await serve()
  await using proxy = await countingProxy(server.port)
  await using caller = open(proxy.port)
  expect(await callOf(caller.client, { kind: 'say', text: long })).toEqual([{ text: long }])
  expect(proxy.sentBytes()).toBeGreaterThan(200_000)
})
