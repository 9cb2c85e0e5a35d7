import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Client } from '@tenon/core/client'
import { connectionsOf, remote, roundRobin } from '@tenon/core'
import { expect, onTestFinished, test, vi } from 'vitest'
import { grpcClient, type GrpcClientOptions } from '../index.ts'
import {
  callOf,
  failureOf,
  freePort,
  identity,
  kinds,
  one,
  open,
  serve,
  silentPeer,
  talks,
} from './client.test-harness.ts'

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate()
}

/** A client of several addresses; the last argument may be its options. */
function remoteTo(...given: readonly (string | GrpcClientOptions)[]) {
  const addresses = given.filter((one) => typeof one === 'string')
  const options = given.find((one) => typeof one !== 'string')
  const provider = remote(talks, { via: grpcClient(options), at: `static:///${addresses.join(',')}` })
  const client = provider.create() as Client<typeof talks>
  return {
    client,
    states: () => connectionsOf(client).map(({ state }) => state),
    [Symbol.asyncDispose]: async () => void (await provider.dispose?.(client, AbortSignal.abort())),
  }
}

test('a channel tells how it stands to its address, through a server that stops and comes back', async () => {
  const first = await serve()
  await using caller = open(first.port)
  expect(caller.state()).toBe('idle')
  const called = caller.client.say({ text: 'a' })
  expect(['idle', 'connecting']).toContain(caller.state())
  await called
  expect(caller.state()).toBe('ready')
  await first.started.stop()
  await until(() => caller.state() === 'idle')
  expect(await failureOf(caller.client.say({ text: 'a' }))).toMatchObject({
    code: 'unavailable',
    reason: 'connection_failed',
  })
  expect(caller.state()).toBe('failing')
  await using _again = await serve(undefined, { port: first.port })
  // By itself: nobody calls over a channel that is failing.
  await until(() => caller.state() === 'ready')
  expect(await caller.client.say({ text: 'b' })).toEqual({ text: 'b' })
})

test('a channel that only sends streams tells of the connection they go over', async () => {
  await using server = await serve()
  await using caller = open(server.port)
  await callOf(caller.client, { kind: 'chat' })
  expect(caller.state()).toBe('ready')
})

test.each(kinds)('a peer that takes connections and says nothing is given up: %s', async (kind) => {
  await using peer = await silentPeer()
  await using caller = open(peer.port, { connectTimeoutMs: 30 })
  expect(await failureOf(callOf(caller.client, { kind }))).toMatchObject({
    code: 'unavailable',
    reason: 'connection_failed',
  })
  expect(caller.state()).toBe('failing')
  // Without a further call.
  await until(() => peer.connectionCount() > 1)
})

test('a deadline before that ends the call as its own', async () => {
  await using peer = await silentPeer()
  await using caller = open(peer.port)
  expect(await failureOf(callOf(caller.client, { kind: 'say', timeoutMs: 20 }))).toMatchObject({
    code: 'deadline_exceeded',
  })
})

test.each(kinds)('a call that waits for its callee is served when that is there: %s', async (kind) => {
  const port = await freePort()
  await using caller = open(port, { waitForReady: true })
  const called = callOf(caller.client, { kind, text: 'late', timeoutMs: 60_000 })
  await until(() => caller.state() === 'failing')
  await using _server = await serve(undefined, { port })
  expect(await called).toEqual([{ text: 'late' }])
})

test('a call that waits for its callee ends at its deadline, by its signal, and when the client closes', async () => {
  const port = await freePort()
  const caller = open(port, { waitForReady: true })
  expect(await failureOf(callOf(caller.client, { kind: 'say', timeoutMs: 20 }))).toMatchObject({
    code: 'deadline_exceeded',
  })
  const controller = new AbortController()
  const called = failureOf(callOf(caller.client, { kind: 'listen', signal: controller.signal }))
  await until(() => caller.state() === 'failing')
  controller.abort()
  expect(await called).toMatchObject({ code: 'cancelled' })
  const endless = { metadata: {}, timeoutMs: undefined, signal: undefined }
  const left = failureOf(caller.channel.clientStream(talks.gather, one('a'), endless))
  await caller.channel.close()
  expect(await left).toMatchObject({ code: 'cancelled' })
})

test('a name is resolved, and one that stands for nothing is unavailable', async () => {
  await using server = await serve()
  await using named = open(`localhost:${server.port}`)
  expect(await named.client.say({ text: 'a' })).toEqual({ text: 'a' })
  await using lost = open('nothing.invalid:1')
  expect(await failureOf(lost.client.say({ text: 'a' }))).toMatchObject({
    code: 'unavailable',
    reason: 'connection_failed',
  })
  // A name that grpc-js would take for the path of a socket.
  await using odd = open('unix:1')
  expect((await failureOf(odd.client.say({ text: 'a' }))).message).toContain('dns:')
})

test.each(kinds)('a Unix socket is called, also as the address of a remote: %s', async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'talk.sock')
  await using _server = await serve(undefined, { path })
  await using caller = open(`unix:${path}`)
  expect(await callOf(caller.client, { kind })).toEqual([{ text: 'a' }])
  await using other = remoteTo(`unix:${path}`)
  expect(await callOf(other.client, { kind })).toEqual([{ text: 'a' }])
  await using lost = open(`unix:${path}.gone`)
  expect(await failureOf(callOf(lost.client, { kind }))).toMatchObject({ reason: 'connection_failed' })
})

test.each([
  { certified: 'localhost', asked: undefined, isServed: true },
  { certified: 'service.test', asked: 'service.test', isServed: true },
  { certified: 'service.test', asked: undefined, isServed: false },
  { certified: 'localhost', asked: 'service.test', isServed: false },
])(
  'over a Unix socket a certificate of $certified is taken where $asked is asked for: $isServed',
  async ({ certified, asked, isServed }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-grpc-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'talk.sock')
    const tls = identity(certified)
    await using _server = await serve(undefined, { path, tls })
    await using caller = open(`unix:${path}`, {
      tls: { ca: tls.cert, ...(asked !== undefined && { serverName: asked }) },
    })
    const answer = caller.client.say({ text: 'a' })
    if (isServed) expect(await answer).toEqual({ text: 'a' })
    else expect(await failureOf(answer)).toMatchObject({ reason: 'connection_failed' })
  },
)

test.each(['', 'host', 'host:', 'a b:1', 'a:1/x', 'a:99999', '::1:5', '[a:1', 'unix:/', 'unix:run/x', 'http://a:1'])(
  'the address %j is refused when it is opened',
  (address) => {
    expect(() => open(address)).toThrow(
      `grpcClient: the address must be host:port, such as 127.0.0.1:50051, or unix:/path, found "${address}" [config.malformed]`,
    )
  },
)

test.each(['unary', 'serverStream', 'clientStream', 'bidiStream'] as const)(
  'a call has one deadline: %s',
  async (kind) => {
    await using server = await serve()
    await using caller = open(server.port)
    const timeoutMs = vi.fn(() => 60_000)
    const call = { metadata: {}, signal: undefined, timeoutMs: 0 }
    Object.defineProperty(call, 'timeoutMs', { get: timeoutMs })
    const { channel } = caller
    if (kind === 'unary') await channel.unary(talks.say, { text: 'a' }, call)
    if (kind === 'clientStream') await channel.clientStream(talks.gather, one('a'), call)
    if (kind === 'serverStream')
      await channel.serverStream(talks.listen, { text: 'a' }, call)[Symbol.asyncIterator]().next()
    if (kind === 'bidiStream') await channel.bidiStream(talks.chat, one('a'), call)[Symbol.asyncIterator]().next()
    expect(timeoutMs).toHaveBeenCalledOnce()
  },
)

test('connecting is timed no longer once there is a connection', async () => {
  const [set, cleared] = [vi.spyOn(globalThis, 'setTimeout'), vi.spyOn(globalThis, 'clearTimeout')]
  onTestFinished(() => void vi.restoreAllMocks())
  await using server = await serve()
  await using caller = open(server.port, { connectTimeoutMs: 54_321 })
  await caller.client.say({ text: 'a' })
  const timer: unknown = set.mock.results[set.mock.calls.findIndex(([, delayMs]) => delayMs === 54_321)]?.value
  expect(timer).toBeDefined()
  // Before the caller closes.
  expect(cleared.mock.calls.some(([one]) => one === timer)).toBe(true)
})

test.each(kinds)('of calls at once on fresh channels none fails while one address serves: %s', async (kind) => {
  await using server = await serve()
  await using caller = remoteTo(`127.0.0.1:${await freePort()}`, `127.0.0.1:${server.port}`)
  const calls = Array.from({ length: 20 }, (_, index) => callOf(caller.client, { kind, text: `${index}` }))
  expect(await Promise.all(calls)).toEqual(calls.map((_, index) => [{ text: `${index}` }]))
})

test.each(kinds)('a call that waits is served by the address that is there: %s', async (kind) => {
  const ports = [await freePort(), await freePort()]
  await using caller = remoteTo(...ports.map((port) => `127.0.0.1:${port}`), { waitForReady: true })
  const early = callOf(caller.client, { kind, text: 'early', timeoutMs: 60_000 })
  await until(() => caller.states().every((state) => state === 'failing'))
  await using _server = await serve(undefined, { port: ports[1] ?? 0 })
  expect(await early).toEqual([{ text: 'early' }])
  for (const text of ['b', 'c', 'd'])
    expect(await callOf(caller.client, { kind, text, timeoutMs: 60_000 })).toEqual([{ text }])
})

test('the environment names no proxy', async () => {
  await using server = await serve()
  const { env } = process
  env['grpc_proxy'] = `http://127.0.0.1:${await freePort()}`
  try {
    await using caller = open(server.port)
    expect(await caller.client.say({ text: 'a' })).toEqual({ text: 'a' })
  } finally {
    delete env['grpc_proxy']
  }
})

test('several addresses are called in turn, and one that is gone is passed over until it is back', async () => {
  const [first, second] = [await serve((note) => void note), await serve()]
  const at = `static:///127.0.0.1:${first.port},127.0.0.1:${second.port}`
  const served = { first: 0, second: 0 }
  const provider = remote(talks, { via: grpcClient(), at, policy: { balancer: roundRobin() } })
  const client = provider.create() as Client<typeof talks>
  const states = () => connectionsOf(client).map(({ state }) => state)
  expect(states()).toEqual(['idle', 'idle'])
  for (let count = 0; count < 4; count += 1) await client.say({ text: 'a' })
  expect(states()).toEqual(['ready', 'ready'])
  await second.started.stop()
  await until(() => states()[1] !== 'ready')
  for (let count = 0; count < 2; count += 1) await client.say({ text: 'a' }).catch(() => undefined)
  expect(states()).toEqual(['ready', 'failing'])
  for (let count = 0; count < 10; count += 1) await client.say({ text: 'a' })
  await using _again = await serve(() => void (served.second += 1), { port: second.port })
  await until(() => states()[1] === 'ready')
  for (let count = 0; count < 4; count += 1) await client.say({ text: 'a' })
  expect(served.second).toBe(2)
  await provider.dispose?.(client, AbortSignal.abort())
  await first.started.stop()
})

test('TLS is spoken with who shows a certificate for the name that is meant', async () => {
  const server = identity('service.test')
  await using served = await serve(undefined, { tls: server })
  await using known = open(served.port, { tls: { ca: server.cert, serverName: 'service.test' } })
  expect(await callOf(known.client, { kind: 'chat', text: 'a' })).toEqual([{ text: 'a' }])
  for (const tls of [{ ca: server.cert }, { serverName: 'service.test' }, undefined]) {
    await using stranger = open(served.port, { ...(tls && { tls }), connectTimeoutMs: 200 })
    expect(await failureOf(stranger.client.say({ text: 'a' }))).toMatchObject({ code: 'unavailable' })
  }
})

test('a client is known by its certificate', async () => {
  const [server, client] = [identity('service.test'), identity('caller.test')]
  const asking = { ...server, ca: client.cert, clientCertificate: 'require' } as const
  await using served = await serve(undefined, { tls: asking })
  const tls = { ca: [server.cert], serverName: 'service.test' }
  await using known = open(served.port, { tls: { ...tls, ...client } })
  expect(await known.client.say({ text: 'a' })).toEqual({ text: 'a' })
  await using stranger = open(served.port, { tls, connectTimeoutMs: 200 })
  expect(await failureOf(stranger.client.say({ text: 'a' }))).toMatchObject({ code: 'unavailable' })
})
