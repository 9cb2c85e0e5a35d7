import { type Client, clientOf, defineHandler, defineService, hook, remote } from '@tenon/core'
import type { ClientTransport } from '@tenon/core/client'
import { contract } from '@tenon/core/contract'
import type { Transport } from '@tenon/core/transport'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpClient, httpTransport } from '@tenon/transport-http'
import Type from 'typebox'
import { describe, expect, it, vi } from 'vitest'
import { registerSdk } from './metric-reader.ts'

const User = Type.Object({ userId: Type.String() })
const users = contract('shop.user.v1.UserService', {
  getUser: { input: User, output: User, http: 'GET /v1/users/:userId' },
})
const common = { version: '1.0.0', admin: false, shutdownTimeoutMs: 500 } as const
const quiet = { environment: { LOG_LEVEL: 'silent' } }

interface Wire {
  readonly name: string
  readonly server: () => Transport
  readonly client: () => ClientTransport
}

const wires: readonly Wire[] = [
  { name: 'HTTP', server: () => httpTransport({ port: 0 }), client: () => httpClient({ connectionsPerAddress: 1 }) },
  { name: 'gRPC', server: () => grpcTransport({ port: 0 }), client: () => grpcClient() },
]

/** A service that answers when it is told to, and another that calls it. */
async function start({ server, client }: Wire, answer: Promise<void>) {
  const getUser = async (user: { readonly userId: string }) => (await answer, user)
  const offering = await defineService({
    ...common,
    name: 'user',
    handlers: [defineHandler(users, () => ({ getUser }))],
    transports: () => [server()],
  }).start(quiet)
  const found = Promise.withResolvers<Client<typeof users>>()
  const calling = await defineService({
    ...common,
    name: 'order',
    handlers: [],
    remotes: () => [remote(users, { via: client(), at: `static:///127.0.0.1:${offering.addresses[0]?.port}` })],
    onStart: [hook('find', (known) => found.resolve(known), { needs: [clientOf(users)] })],
  }).start(quiet)
  return {
    client: await found.promise,
    [Symbol.asyncDispose]: async () => {
      await calling.stop()
      await offering.stop()
    },
  }
}

describe.each(wires)('a client over $name', (wire) => {
  it('tells of its channels, its connections and the calls that wait for one', async () => {
    await using sdk = registerSdk()
    const answer = Promise.withResolvers<void>()
    await using shop = await start(wire, answer.promise)
    const told = async (name: string) =>
      Object.fromEntries(
        (await sdk.seriesOf(`tenon.client.${name}`)).map(({ attributes, value }) => {
          const { 'tenon.service': service, 'tenon.client.contract': called, ...rest } = attributes
          expect([service, called]).toEqual(['order', 'shop.user.v1.UserService'])
          return [Object.values(rest).join(), value]
        }),
      )
    expect(await told('channels')).toEqual({ idle: 1, connecting: 0, ready: 0, failing: 0 })
    expect(await told('connections')).toEqual({ active: 0, idle: 0 })
    const calls = Promise.all(['u1', 'u2'].map((userId) => shop.client.getUser({ userId })))
    // Looked at below, unless the test fails before.
    calls.catch(() => undefined)
    await vi.waitFor(async () => {
      expect(await told('channels')).toEqual({ idle: 0, connecting: 0, ready: 1, failing: 0 })
      expect(await told('connections')).toEqual({ active: 1, idle: 0 })
      // Calls over gRPC share the connection.
      expect(await told('waiting_calls')).toEqual({ '': wire.name === 'HTTP' ? 1 : 0 })
    })
    answer.resolve()
    await calls
    await vi.waitFor(async () => {
      expect(await told('connections')).toEqual({ active: 0, idle: 1 })
      expect(await told('waiting_calls')).toEqual({ '': 0 })
    })
  })
})
