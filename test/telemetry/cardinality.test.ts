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
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import Type from 'typebox'
import { expect, it } from 'vitest'
import { errorCodes } from '../../packages/core/src/error/error-code.ts'
import { sendRaw } from '../promise/topic.ts'
import { openAttack } from './attack.ts'
import { exposeMetrics } from './exposed-metrics.ts'
import { registerSdk } from './metric-reader.ts'

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
const callCount = 120

it('whatever callers send and handlers throw, no metric has it for an attribute, nor more series than codes for each way to be called', async () => {
  await using metrics = await exposeMetrics()
  const broker = memoryBroker()
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
      grpcTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver({ broker }) }),
    ],
  }).start(quiet)
  const to = await published.promise
  const portOf = (name: string) => service.addresses.find(({ protocol }) => protocol === name)?.port ?? 0
  using attack = openAttack({ http: portOf('http'), grpc: portOf('grpc') })
  for (let index = 0; index < callCount; index++) {
    const word = `${marker}${index}`
    await attack.overHttp(word, index)
    await attack.overGrpc(word, index)
    await to.publish(moved, { userId: word }, { headers: { [word]: word } })
    await sendRaw(memoryDriver({ broker }), { topic: moved.topic, key: word, value: word })
  }
  await service.stop()
  const made = await metrics.scrape()
  const told = made.flatMap(({ labels }) => Object.entries(labels).flat())
  expect(told.filter((text) => text.toLowerCase().includes(marker))).toEqual([])
  const countOf = (name: string) => made.filter((series) => series.name === name).length
  // A GET is a HEAD too. Messages fail as what is thrown, and as what no event is.
  expect(waysToBeCalled.map(([name]) => [name, countOf(name) > 0])).toEqual(
    waysToBeCalled.map(([name]) => [name, true]),
  )
  for (const [name, wayCount] of waysToBeCalled)
    expect([name, countOf(name) <= wayCount * outcomeCount]).toEqual([name, true])
  expect(countOf('tenon_queue_dead_letters_total')).toBe(3)
  for (const name of new Set(made.map((series) => series.name)))
    if (!name.endsWith('_bucket')) expect([name, countOf(name) <= 50]).toEqual([name, true])
})

/** All codes, and success. */
const outcomeCount = Object.keys(errorCodes).length + 1
/** Metrics of calls, each with how many routes, methods or topics there are. */
const waysToBeCalled = [
  ['http_server_request_duration_seconds_count', 2],
  ['rpc_server_call_duration_seconds_count', 1],
  ['messaging_process_duration_seconds_count', 1],
  ['messaging_client_operation_duration_seconds_count', 1],
] as const

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
