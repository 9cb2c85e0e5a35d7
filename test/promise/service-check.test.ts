import { createServer } from 'node:net'
import { defineConsumer, defineHandler, defineService, remote, type Service, type ServiceOptions } from '@tenon/core'
import { type Contract, contract, event } from '@tenon/core/contract'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { memoryDriver, queueTransport } from '@tenon/transport-queue'
import { service as order } from '@shop/order-service'
import { service as user } from '@shop/user-service'
import Type from 'typebox'
import { eventually } from '@tenon/testing'
import { expect, test } from 'vitest'

const User = Type.Object({ userId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'userId', payload: User })

function serviceOf(options: Partial<ServiceOptions>): Service {
  return defineService({
    name: 'sample',
    version: '1.0.0',
    handlers: [],
    admin: { port: 0 },
    transports: () => [
      httpTransport({ port: 0 }),
      grpcTransport({ port: 0 }),
      queueTransport({ driver: memoryDriver() }),
    ],
    ...options,
  })
}

/** A handler for every operation of a contract. */
function handlerOf(of: Contract) {
  const answer = async () => ({ userId: '1' })
  return defineHandler(of, () => new Proxy({}, { get: () => answer }))
}

const consumer = () => defineConsumer(placed, () => async () => undefined)

const environment = { LOG_LEVEL: 'silent' }

test.each([
  ['user', user],
  ['order', order],
])('the %s service of the examples passes its own check, with nothing set', async (name, service) => {
  expect(await service.check({ environment })).toEqual({ ok: true, problems: [] })
  const description = service.describe({ environment })
  expect(description.name).toBe(name)
  expect(JSON.parse(JSON.stringify(description))).toStrictEqual(description)
})

test('a check finds on all transports at once what would keep the service from starting', async () => {
  const one = contract('shop.user.v1.UserService', {
    getUser: { input: User, output: User, http: 'GET /v1/users/:userId' },
    findUser: { input: User, output: User, http: 'GET /v1/users/:userId' },
  })
  const other = contract('shop.user.v1.AdminService', {
    getUser: { input: User, output: User },
  })
  const service = serviceOf({ handlers: [handlerOf(one), handlerOf(other), consumer(), consumer()] })
  const { problems } = await service.check({ environment })
  expect(problems).toMatchObject([
    { code: 'wiring.route_conflict', message: expect.stringContaining('GET /v1/users/:userId') },
    { code: 'contract.name', message: expect.stringContaining('shop.user.v1.GetUserRequest') },
    { code: 'contract.name', message: expect.stringContaining('shop.user.v1.GetUserResponse') },
    { code: 'wiring.consumer_conflict', message: expect.stringContaining('shop.order.placed.v1') },
  ])
  await expect(service.start({ environment })).rejects.toMatchObject({ problems: [problems[0]] })
})

test('a check names the schema that protobuf cannot express', async () => {
  const odd = contract('shop.user.v1.UserService', {
    getUser: { input: Type.Object({ tags: Type.Optional(Type.Array(Type.String())) }), output: User },
  })
  const { problems } = await serviceOf({ handlers: [handlerOf(odd)] }).check({ environment })
  expect(problems).toMatchObject([
    { code: 'contract.schema', message: expect.stringContaining('shop.user.v1.UserService/getUser') },
  ])
})

test('a check names what a client cannot carry of a remote', async () => {
  const odd = contract('shop.stock.v1.StockService', {
    getStock: { input: Type.Object({ tags: Type.Optional(Type.Array(Type.String())) }), output: User },
  })
  const remotes = () => [remote(odd, { via: grpcClient(), at: 'static:///127.0.0.1:1' })]
  const { problems } = await serviceOf({ remotes }).check({ environment })
  expect(problems).toMatchObject([
    { code: 'contract.schema', message: expect.stringContaining('shop.stock.v1.StockService/getStock') },
  ])
})

test('a check opens no port and leaves nothing behind that keeps a process alive', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const before = process.getActiveResourcesInfo()
  const users = contract('shop.user.v1.UserService', {
    getUser: { input: User, output: User, http: 'GET /v1/users/:userId' },
  })
  const service = serviceOf({
    handlers: [handlerOf(users), consumer()],
    admin: { port },
    transports: () => [httpTransport({ port }), grpcTransport({ port }), queueTransport({ driver: memoryDriver() })],
  })
  expect(await service.check({ environment })).toEqual({ ok: true, problems: [] })
  // What runs tests has timers and pipes of its own, which come and go.
  await eventually(() => expect(withoutEach(before, process.getActiveResourcesInfo())).toEqual([]))
  await new Promise((resolve) => taken.close(resolve))
})

/** What is left of a list when each of the others was taken out once. */
function withoutEach(others: readonly string[], list: readonly string[]): readonly string[] {
  const left = [...list]
  for (const other of others) {
    const at = left.indexOf(other)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}
