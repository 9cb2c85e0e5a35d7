import { randomUUID } from 'node:crypto'
import { type Order, orderCancelled, orderPlaced, users } from '@shop/contracts'
import { clientOf, type EventType, provide, Publisher, ServiceError } from '@tenon/core'
import { buildClient, type ClientChannel } from '@tenon/core/client'
import { expect, test } from 'vitest'
import { service } from './service.ts'

const environment = {
  ORDER_HTTP_PORT: '0',
  ORDER_GRPC_PORT: '0',
  ORDER_ADMIN_PORT: '0',
  DATA_DIR: ':memory:',
  LOG_LEVEL: 'silent',
}

const order = { userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }

/** Stands for the user service, where every user exists unless told otherwise. */
class FakeUsers implements ClientChannel {
  failure: ServiceError | undefined

  async unary(_operation: unknown, input: unknown): Promise<unknown> {
    if (this.failure) throw this.failure
    return { ...Object(input), name: 'Ada', email: 'ada@example.com', orderCount: 0 }
  }

  async *serverStream(): AsyncGenerator<never> {}

  async clientStream(): Promise<unknown> {
    return {}
  }

  async *bidiStream(): AsyncGenerator<never> {}

  async close(): Promise<void> {}
}

/** Stands for the broker, which may be down. */
class FakePublisher extends Publisher {
  readonly published: { readonly topic: string; readonly payload: object }[] = []
  failure: ServiceError | undefined

  async publish(event: EventType, payload: object): Promise<void> {
    if (this.failure) throw this.failure
    this.published.push({ topic: event.topic, payload })
  }

  async send(): Promise<void> {}
}

async function startOrderService() {
  const remote = new FakeUsers()
  const publisher = new FakePublisher()
  const started = await service.start({
    environment,
    overrides: [
      provide(clientOf(users), { create: () => buildClient(users, remote) }),
      provide(Publisher, { create: () => publisher }),
    ],
  })
  const { host, port } = started.addresses.find(({ protocol }) => protocol === 'http') ?? {}
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`http://${host}:${port}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Order }
  }
  return { remote, publisher, post, [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() }
}

test('publishes once that an order was placed and once that it was cancelled', async () => {
  await using running = await startOrderService()
  const { orderId, userId } = (await running.post('/v1/orders', order)).body
  await running.post('/v1/orders', { ...order, orderId })
  for (const _time of [1, 2]) {
    const cancelled = await running.post(`/v1/orders/${orderId}:cancel`, {})
    expect(cancelled).toMatchObject({ status: 200, body: { orderId, status: 'cancelled' } })
  }
  expect(running.publisher.published).toMatchObject([
    { topic: orderPlaced.topic, payload: { orderId, userId } },
    { topic: orderCancelled.topic, payload: { orderId, userId } },
  ])
})

test.each([
  ['not_found', 400, 'failed_precondition'],
  ['unavailable', 503, 'unavailable'],
  ['permission_denied', 500, 'internal'],
] as const)('tells a %s of the user service as its own', async (code, status, told) => {
  await using running = await startOrderService()
  running.remote.failure = new ServiceError(code, 'from the user service')
  expect(await running.post('/v1/orders', order)).toMatchObject({ status, body: { code: told } })
})

test('answers a repeated orderId without the user service', async () => {
  await using running = await startOrderService()
  const placed = await running.post('/v1/orders', order)
  running.remote.failure = new ServiceError('unavailable', 'down')
  expect(await running.post('/v1/orders', { ...order, orderId: placed.body.orderId })).toEqual(placed)
})

test('commit and publish are two writes: without a broker the order stands and its event is missing', async () => {
  await using running = await startOrderService()
  const orderId = randomUUID()
  running.publisher.failure = new ServiceError('unavailable', 'no broker')
  expect(await running.post('/v1/orders', { ...order, orderId })).toMatchObject({ status: 503 })
  running.publisher.failure = undefined
  expect(await running.post('/v1/orders', { ...order, orderId })).toMatchObject({ status: 201, body: { orderId } })
  expect(running.publisher.published).toEqual([])
})
