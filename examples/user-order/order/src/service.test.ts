import { randomUUID } from 'node:crypto'
import { orderCancelled, orderPlaced, orders, users } from '@shop/contracts'
import { ServiceError } from '@tenon/core'
import { fakeRemote, testService } from '@tenon/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { service } from './service.ts'

const order = { userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }

/** The order service, with a database of its own and a user service in which every user exists unless it fails. */
function startOrderService(userService: { failure?: ServiceError } = {}) {
  return testService(service, {
    config: { dataDir: ':memory:' },
    overrides: [
      fakeRemote(users, {
        getUser: ({ userId }) => {
          if (userService.failure) throw userService.failure
          return { userId, name: 'Ada', email: 'ada@example.com', orderCount: 0 }
        },
      }),
    ],
  })
}

test('publishes that an order was placed and that it was cancelled, again with every repetition', async () => {
  await using running = await startOrderService()
  const placed = await running.call(orders.placeOrder, order)
  const { orderId, userId } = placed
  expect(await running.call(orders.placeOrder, { ...order, orderId })).toEqual(placed)
  for (const _time of [1, 2])
    expect(await running.call(orders.cancelOrder, { orderId })).toMatchObject({ orderId, status: 'cancelled' })
  const announced = { topic: orderPlaced.topic, key: userId, payload: { orderId, userId, totalCents: 700 } }
  const cancelled = { topic: orderCancelled.topic, key: userId, payload: { orderId, userId } }
  expect(running.published()).toMatchObject([announced, announced, cancelled, cancelled])
})

test.each([
  ['not_found', 'failed_precondition'],
  ['unavailable', 'unavailable'],
  ['permission_denied', 'internal'],
] as const)('tells a %s of the user service as its own', async (code, told) => {
  await using running = await startOrderService({ failure: new ServiceError(code, 'from the user service') })
  await expect(running.call(orders.placeOrder, order)).rejects.toMatchObject({ code: told })
})

test('forgets orders 90 days after they were placed, if they were cancelled', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T12:00:00Z') })
  onTestFinished(() => void vi.useRealTimers())
  await using running = await startOrderService()
  const { orderId: cancelled } = await running.call(orders.placeOrder, order)
  const { orderId: kept } = await running.call(orders.placeOrder, order)
  await running.call(orders.cancelOrder, { orderId: cancelled })
  vi.setSystemTime('2026-04-01T12:00:00Z')
  await running.runSchedule('forget-cancelled-orders')
  expect(await running.call(orders.getOrder, { orderId: cancelled })).toMatchObject({ status: 'cancelled' })
  vi.setSystemTime('2026-04-01T12:00:01Z')
  await running.runSchedule('forget-cancelled-orders')
  await expect(running.call(orders.getOrder, { orderId: cancelled })).rejects.toMatchObject({ code: 'not_found' })
  expect(await running.call(orders.getOrder, { orderId: kept })).toMatchObject({ status: 'placed' })
})

test('answers a repeated orderId without the user service', async () => {
  const userService: { failure?: ServiceError } = {}
  await using running = await startOrderService(userService)
  const placed = await running.call(orders.placeOrder, order)
  userService.failure = new ServiceError('unavailable', 'down')
  expect(await running.call(orders.placeOrder, { ...order, orderId: placed.orderId })).toEqual(placed)
})

test('places the order of a command once, however often its message comes', async () => {
  await using running = await startOrderService()
  for (const attempt of [1, 2])
    expect(await running.send(orders.placeOrder, order, { attempt, headers: { ce_id: 'm-1' } })).toMatchObject({
      ok: true,
    })
  const orderIds = running.published(orderPlaced).map(({ payload }) => payload.orderId)
  expect(new Set(orderIds).size).toBe(1)
})

test('commit and publish are two writes: without a broker the order stands, and its event follows when the call is repeated', async () => {
  await using running = await startOrderService()
  const orderId = randomUUID()
  {
    using _outage = running.brokerOutage()
    await expect(running.call(orders.placeOrder, { ...order, orderId })).rejects.toMatchObject({ code: 'unavailable' })
  }
  expect(await running.call(orders.placeOrder, { ...order, orderId })).toMatchObject({ orderId })
  expect(running.published()).toMatchObject([{ topic: orderPlaced.topic, payload: { orderId } }])
})
