import { setImmediate } from 'node:timers/promises'
import type { Client } from '@tenon/core/client'
import { connectionsOf, remote } from '@tenon/core'
import { expect, test } from 'vitest'
import { grpcClient } from '../index.ts'
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
  const provider = remote(talks, { via: grpcClient(), at })
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
