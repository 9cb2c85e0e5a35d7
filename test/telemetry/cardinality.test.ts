import {
  type Client,
  clientOf,
  defineConsumer,
  defineHandler,
  defineService,
  hook,
  Publisher,
  remote,
  roundRobin,
  ServiceError,
} from '@tenon/core'
import type { ClientTransport } from '@tenon/core/client'
import { contract, event } from '@tenon/core/contract'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { type ExportedMetric, registerSdk } from './metric-reader.ts'

const User = Type.Object({ userId: Type.String() })
const users = contract('shop.user.v1.UserService', {
  getUser: { input: User, output: User, http: 'GET /v1/users/:userId' },
})
const moved = event('shop.user.moved.v1', { key: 'userId', payload: User })
const common = { version: '1.0.0', admin: false, shutdownTimeoutMs: 500 } as const
const quiet = { environment: { LOG_LEVEL: 'silent' } }

/** In all that comes from outside. */
const marker = 'zq9'
/** Of instances that come and go, more than an SDK keeps series of a metric. */
const addressCount = 2_500
const callCount = 300

it('whatever callers send and handlers throw, no metric has it for an attribute', async () => {
  await using sdk = registerSdk()
  const published = Promise.withResolvers<Publisher>()
  const fail = async ({ userId }: { readonly userId: string }): Promise<never> => {
    const error = new Error(`${userId} is unknown`)
    error.name = `Unknown${userId}`
    throw Number(userId.slice(-1)) < 5 ? error : new ServiceError('not_found', userId, { reason: userId })
  }
  const service = await defineService({
    ...common,
    name: 'user',
    overload: {},
    handlers: [
      defineHandler(users, () => ({ getUser: fail })),
      defineConsumer(moved, () => fail, { retry: { maxAttemptCount: 1 } }),
    ],
    onStart: [hook('find', (given) => published.resolve(given), { needs: [Publisher] })],
    transports: () => [
      httpTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver({ broker: memoryBroker() }) }),
    ],
  }).start(quiet)
  const to = await published.promise
  const port = service.addresses[0]?.port
  for (let index = 0; index < callCount; index++) {
    const word = `${marker}${index}`
    const headers = { 'x-criticality': word, 'x-tenant': word, 'user-agent': word, baggage: `${word}=${word}` }
    const path = index % 3 === 0 ? `/${word}/${word}` : `/v1/users/${word}`
    const method = index % 10 === 0 ? word.toUpperCase() : 'GET'
    await fetch(`http://127.0.0.1:${port}${path}?${word}=${word}`, { method, headers }).catch(() => undefined)
    await to.publish(moved, { userId: word })
  }
  await service.stop()
  const made = await sdk.collect()
  expect(made.find(({ name }) => name === 'tenon.queue.dead_letters')?.series.length).toBe(2)
  expect(valuesOf(made).filter((value) => value.toLowerCase().includes(marker))).toEqual([])
  for (const { name, series } of made) expect([name, series.length <= 50]).toEqual([name, true])
})

it('of addresses without an end 1,000 are told apart, and the others counted together', async () => {
  await using sdk = registerSdk()
  const addresses = Array.from({ length: addressCount }, (_, index) => `10.${index >> 8}.${index & 255}.1:1`)
  const found = Promise.withResolvers<Client<typeof users>>()
  const service = await defineService({
    ...common,
    name: 'order',
    handlers: [],
    remotes: () => [
      remote(users, { via: echoing, at: `static:///${addresses.join(',')}`, policy: { balancer: roundRobin() } }),
    ],
    onStart: [hook('find', (known) => found.resolve(known), { needs: [clientOf(users)] })],
  }).start(quiet)
  const client = await found.promise
  for (let index = 0; index < addressCount; index++) await client.getUser({ userId: 'u1' })
  const picks = await sdk.seriesOf('tenon.client.picks')
  await service.stop()
  const others = picks.filter(({ attributes }) => !('tenon.client.address' in attributes))
  expect(picks).toHaveLength(1_001)
  expect(others).toEqual([
    {
      attributes: { 'tenon.client.contract': 'shop.user.v1.UserService', 'otel.metric.overflow': true },
      value: addressCount - 1_000,
    },
  ])
})

/** Gives back what it is given. */
const echoing: ClientTransport = {
  name: 'echo',
  open: () => ({
    unary: async (_operation, input) => input,
    serverStream: () => neverAsked(),
    clientStream: () => neverAsked(),
    bidiStream: () => neverAsked(),
    close: async () => undefined,
  }),
}

function neverAsked(): never {
  throw new Error('only unary calls are made')
}

function valuesOf(metrics: readonly ExportedMetric[]): readonly string[] {
  return metrics.flatMap(({ series }) => series.flatMap(({ attributes }) => Object.values(attributes).map(String)))
}
