import { randomUUID } from 'node:crypto'
import { users } from '@shop/contracts'
import { service as orderService } from '@shop/order-service'
import { defineHandler, defineService } from '@tenon/core'
import { ServiceError } from '@tenon/core/transport'
import { grpcTransport } from '@tenon/transport-grpc'
import { expect, test } from 'vitest'
import { freePorts, startShop } from './shop.ts'

test('a call that needs a service which is down fails as unavailable, not as internal', async () => {
  await using shop = await startShop()
  const order = { userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }
  await expect(shop.orders.placeOrder(order)).rejects.toMatchObject({ code: 'failed_precondition' })
  await shop.user.started.stop()
  await expect(shop.orders.placeOrder(order)).rejects.toMatchObject({ code: 'unavailable' })
  const response = await fetch(`${shop.order.http}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'unavailable' })
})

test('an order is placed although the user service fails once', async () => {
  let callCount = 0
  const unused = () => {
    throw new Error('nobody asks for this')
  }
  const handler = defineHandler(users, () => ({
    getUser: ({ userId }) => {
      callCount += 1
      if (callCount === 1) throw new ServiceError('unavailable', 'not now')
      return { userId, name: 'Ada', email: 'ada@example.com', orderCount: 0 }
    },
    createUser: unused,
    listUsers: unused,
    watchUsers: unused,
  }))
  const environment = { ...freePorts, DATA_DIR: ':memory:', LOG_LEVEL: 'silent' }
  const transports = () => [grpcTransport({ port: 0 })]
  await using user = await defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    handlers: [handler],
    transports,
  }).start({ environment })
  const at = `static:///127.0.0.1:${user.addresses[0]?.port}`
  await using order = await orderService.start({ environment: { ...environment, USER_ADDRESS: at } })
  const port = order.addresses.find(({ protocol }) => protocol === 'http')?.port
  const response = await fetch(`http://127.0.0.1:${port}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }),
  })
  expect([response.status, callCount]).toEqual([201, 2])
})
