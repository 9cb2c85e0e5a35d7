import { randomUUID } from 'node:crypto'
import type { Order, User } from '@shop/contracts'
import { eventually } from '@tenon/testing'
import { memoryDriver } from '@tenon/transport-queue'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Shop, startShop } from './shop.ts'
import { followTopic, sendRaw } from './topic.ts'

let shop: Shop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop[Symbol.asyncDispose]())

const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]

interface Reply<Body> {
  readonly status: number
  readonly body: Body
}

async function request<Body>(method: string, url: string, body?: object): Promise<Reply<Body>> {
  const response = await fetch(url, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, body: (await response.json()) as Body }
}

async function createUser(): Promise<User> {
  const { body } = await request<User>('POST', `${shop.user.http}/v1/users`, {
    name: 'Ada',
    email: `${randomUUID()}@example.com`,
  })
  return body
}

async function orderCountOf(userId: string): Promise<number> {
  return (await shop.users.getUser({ userId })).orderCount
}

test('a user and an order made over REST are read over gRPC, and the order is counted within a second', async () => {
  const email = `${randomUUID()}@example.com`
  const user = await request<User>('POST', `${shop.user.http}/v1/users`, { name: 'Ada', email })
  expect(user).toEqual({ status: 201, body: { userId: expect.any(String), name: 'Ada', email, orderCount: 0 } })
  const { userId } = user.body
  const order = await request<Order>('POST', `${shop.order.http}/v1/orders`, { userId, items })
  expect(order).toMatchObject({ status: 201, body: { userId, items, totalCents: 700, status: 'placed' } })
  expect(await shop.orders.getOrder({ orderId: order.body.orderId })).toEqual(order.body)
  await eventually(async () => expect(await orderCountOf(userId)).toBe(1), { timeoutMs: 1_000 })
  expect(await request('GET', `${shop.user.http}/v1/users/${userId}`)).toEqual({
    status: 200,
    body: { ...user.body, orderCount: 1 },
  })
})

test('a repeated orderId answers with the first order, over REST, gRPC and the queue', async () => {
  const { userId } = await createUser()
  const orderId = randomUUID()
  const first = await request('POST', `${shop.order.http}/v1/orders`, { orderId, userId, items })
  const other = [{ sku: 'cup', quantity: 1, unitPriceCents: 1 }]
  expect(await request('POST', `${shop.order.http}/v1/orders`, { orderId, userId, items: other })).toEqual(first)
  expect(await shop.orders.placeOrder({ orderId, userId, items: other })).toEqual(first.body)
  const command = JSON.stringify({ orderId, userId, items: other })
  await sendRaw(memoryDriver(), { topic: 'shop.order.place.v1', key: userId, value: command })
  // Commands of one key keep their order, so the one before was handled when this one was.
  const last = randomUUID()
  const next = JSON.stringify({ orderId: last, userId, items })
  await sendRaw(memoryDriver(), { topic: 'shop.order.place.v1', key: userId, value: next })
  expect(await eventually(() => shop.orders.getOrder({ orderId: last }))).toMatchObject({ totalCents: 700 })
  expect(await shop.orders.getOrder({ orderId })).toEqual(first.body)
  expect((await shop.orders.listOrders({ userId })).orders.map((order) => order.orderId).toSorted()).toEqual(
    [orderId, last].toSorted(),
  )
})

test('an order whose message comes twice is counted once', async () => {
  const { userId } = await createUser()
  await using deadLetters = await followTopic(memoryDriver(), 'shop.order.placed.v1.dlq.user')
  const [one, other] = [randomUUID(), randomUUID()]
  const placed = [one, one, other, one].map((orderId) =>
    JSON.stringify({ orderId, userId, items, totalCents: 700, placedAt: new Date().toISOString() }),
  )
  // Messages of one key are handled in order: once the last one is a dead letter, the others have been handled.
  for (const value of [...placed, 'garbage']) {
    await sendRaw(memoryDriver(), { topic: 'shop.order.placed.v1', key: userId, value })
  }
  await eventually(() => expect(deadLetters.messages.map(({ key }) => key)).toContain(userId))
  expect(await orderCountOf(userId)).toBe(2)
})

test('an e-mail address that is taken is refused alike over REST and gRPC', async () => {
  const { email } = await createUser()
  const again = { name: 'Bob', email: email.toUpperCase() }
  expect(await request('POST', `${shop.user.http}/v1/users`, again)).toMatchObject({
    status: 409,
    body: { code: 'already_exists' },
  })
  await expect(shop.users.createUser(again)).rejects.toMatchObject({ code: 'already_exists' })
})

test('an order of an unknown user fails as failed_precondition, not as the not_found of the user service', async () => {
  const order = { userId: randomUUID(), items }
  expect(await request('POST', `${shop.order.http}/v1/orders`, order)).toMatchObject({
    status: 400,
    body: { code: 'failed_precondition', reason: 'unknown_user' },
  })
  await expect(shop.orders.placeOrder(order)).rejects.toMatchObject({
    code: 'failed_precondition',
    reason: 'unknown_user',
  })
})

test('an order is cancelled once, and cancelling it again answers the same', async () => {
  const { userId } = await createUser()
  const { orderId } = await shop.orders.placeOrder({ userId, items })
  const first = await request('POST', `${shop.order.http}/v1/orders/${orderId}:cancel`)
  expect(first).toMatchObject({ status: 200, body: { orderId, status: 'cancelled' } })
  expect(await request('POST', `${shop.order.http}/v1/orders/${orderId}:cancel`)).toEqual(first)
  expect(await shop.orders.cancelOrder({ orderId })).toEqual(first.body)
  await expect(shop.orders.cancelOrder({ orderId: randomUUID() })).rejects.toMatchObject({ code: 'not_found' })
})

test('a list is walked page by page, the same over REST and gRPC', async () => {
  const { userId } = await createUser()
  const placed: string[] = []
  for (let count = 0; count < 5; count += 1) placed.push((await shop.orders.placeOrder({ userId, items })).orderId)
  const listed: string[] = []
  let pageToken: string | undefined
  do {
    const page = await shop.orders.listOrders({ userId, pageSize: 2, ...(pageToken ? { pageToken } : {}) })
    const query = new URLSearchParams({ userId, pageSize: '2', ...(pageToken ? { pageToken } : {}) })
    expect(await request('GET', `${shop.order.http}/v1/orders?${query.toString()}`)).toEqual({
      status: 200,
      body: page,
    })
    listed.push(...page.orders.map(({ orderId }) => orderId))
    pageToken = page.nextPageToken
  } while (pageToken !== undefined)
  expect(listed.toSorted()).toEqual(placed.toSorted())
})

test('probes answer on both admin ports', async () => {
  for (const { admin } of [shop.user, shop.order]) {
    for (const probe of ['livez', 'readyz', 'startupz']) {
      expect(await request('GET', `${admin}/${probe}`)).toEqual({ status: 200, body: { status: 'pass' } })
    }
  }
})
