import { setImmediate } from 'node:timers/promises'
import type { Client } from '@tenon/core/client'
import { contractInfo } from '@tenon/core/contract'
import { clientOf, connectionsOf, remote, roundRobin } from '@tenon/core'
import { expect, test, vi } from 'vitest'
import { httpClient } from '../index.ts'
import { ada, failureOf, open, serve, users } from './http-client.test-harness.ts'

test('a channel is idle, ready once it was called, failing for a second when its server is gone, and ready when it is back', async () => {
  const { started, port } = await serve()
  const { channel, client } = open(port)
  expect(channel.state?.()).toBe('idle')
  await client.getUser({ userId: 'u-1' })
  expect(channel.state?.()).toBe('ready')
  await started.stop()
  expect(await failureOf(client.getUser({ userId: 'u-1' }))).toMatchObject({ code: 'unavailable' })
  // The first failure may be that of the connection which was open.
  expect(await failureOf(client.getUser({ userId: 'u-1' }))).toMatchObject({ reason: 'connection_failed' })
  expect(channel.state?.()).toBe('failing')
  const again = await serve({ port })
  const { now } = performance
  vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 1_000)
  expect(channel.state?.()).toBe('idle')
  vi.restoreAllMocks()
  await client.getUser({ userId: 'u-1' })
  expect(channel.state?.()).toBe('ready')
  await channel.close()
  await again.started.stop()
})

test('nothing is told of connections through a proxy, and 0 of those that nobody needed yet', () => {
  const target = { contract: contractInfo(users), address: '127.0.0.1:1' }
  const useOf = (options?: Parameters<typeof httpClient>[0]) => httpClient(options).open(target).use?.()
  expect(useOf({ proxy: 'http://127.0.0.1:2' })).toBeUndefined()
  expect(useOf()).toEqual({ openCount: 0, idleCount: 0, waitingCount: 0 })
})

test('a remote of several addresses calls them in turn, and not one that is gone', async () => {
  const name = (at: string) => ({ getUser: async () => ({ ...ada, name: at }) })
  const [first, second] = [await serve(name('first')), await serve(name('second'))]
  const at = `static:///127.0.0.1:${first.port},127.0.0.1:${second.port}`
  const provider = remote(users, { via: httpClient(), at, policy: { balancer: roundRobin() } })
  expect(provider.token).toBe(clientOf(users))
  const client = provider.create() as Client<typeof users>
  const called = async () => (await client.getUser({ userId: 'u-1' })).name
  const names = [await called(), await called(), await called()]
  expect(names.slice(0, 2).toSorted()).toEqual(['first', 'second'])
  expect(names[2]).toBe(names[0])
  expect(connectionsOf(client).map(({ state }) => state)).toEqual(['ready', 'ready'])
  await second.started.stop()
  // Until its connection is seen to be closed, it may be called.
  while (connectionsOf(client)[1]?.state === 'ready') await setImmediate()
  await called().catch(() => undefined)
  await called().catch(() => undefined)
  expect(connectionsOf(client).map(({ state }) => state)).toEqual(['ready', 'failing'])
  expect([await called(), await called(), await called()]).toEqual(['first', 'first', 'first'])
  await provider.dispose?.(client, AbortSignal.abort())
  await first.started.stop()
})

test('of calls at once on fresh channels none fails while one address serves', async () => {
  const [gone, server] = [await serve(), await serve()]
  await gone.started.stop()
  const at = `static:///127.0.0.1:${gone.port},127.0.0.1:${server.port}`
  const provider = remote(users, { via: httpClient(), at })
  const client = provider.create() as Client<typeof users>
  const calls = Array.from({ length: 20 }, () => client.renameUser(ada))
  expect(await Promise.all(calls)).toEqual(calls.map(() => ada))
  const lines = async function* () {
    yield { text: 'a' }
    yield { text: 'b' }
  }
  const again = remote(users, { via: httpClient(), at })
  const fresh = again.create() as Client<typeof users>
  expect(await Promise.all([fresh.addLines(lines()), fresh.addLines(lines())])).toEqual([{ count: 2 }, { count: 2 }])
  const echoed: unknown[] = []
  for await (const line of fresh.echoLines(lines())) echoed.push(line)
  expect(echoed).toEqual([{ text: 'a' }, { text: 'b' }])
  for (const [of, one] of [
    [provider, client],
    [again, fresh],
  ] as const)
    await of.dispose?.(one, AbortSignal.abort())
  await server.started.stop()
})
