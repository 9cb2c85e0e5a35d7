import { randomUUID } from 'node:crypto'
import { Client, credentials, status } from '@grpc/grpc-js'
import { ServiceError, type Violation } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { eventually } from '@tenon/testing'
import { memoryDriver } from '@tenon/transport-queue'
import { buildClient } from '@tenon/core/client'
import Type from 'typebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openChannel, type Shop, startShop } from './shop.ts'
import { followTopic, type FollowedTopic, sendRaw } from './topic.ts'

/** What a caller learns of a refusal, whatever carried it. */
interface Refusal {
  readonly code: string
  readonly reason: string | undefined
  readonly fields: readonly string[]
}

/** What a caller sends who knows nothing of the rules: the same messages as the real contract's, and everything optional. */
const laxOrders = contract('shop.order.v1.OrderService', {
  placeOrder: {
    input: Type.Object({
      orderId: Type.Optional(Type.String()),
      userId: Type.Optional(Type.String()),
      items: Type.Optional(
        Type.Array(
          Type.Object({
            sku: Type.Optional(Type.String()),
            quantity: Type.Optional(Type.Integer()),
            unitPriceCents: Type.Optional(Type.Integer()),
            colour: Type.Optional(Type.String()),
          }),
          { default: [] },
        ),
      ),
      coupon: Type.Optional(Type.String()),
    }),
    output: Type.Object({ orderId: Type.String(), userId: Type.String() }),
  },
  listOrders: {
    input: Type.Object({
      userId: Type.Optional(Type.String()),
      pageSize: Type.Optional(Type.Integer()),
      pageToken: Type.Optional(Type.String()),
    }),
    output: Type.Object({}),
  },
  getOrder: { input: Type.Object({ orderId: Type.String() }), output: Type.Object({}) },
})

/** What a caller sends who has another contract: numbers where texts are, which are other wire types. */
const otherOrders = contract('shop.order.v1.OrderService', {
  placeOrder: { input: Type.Object({ orderId: Type.Integer(), userId: Type.Integer() }), output: Type.Object({}) },
})

const commandTopic = 'shop.order.place.v1'

let shop: Shop
let deadLetters: FollowedTopic
let channel: ReturnType<typeof openChannel>
let otherChannel: ReturnType<typeof openChannel>
beforeAll(async () => {
  shop = await startShop()
  channel = openChannel(laxOrders, shop.order.grpc)
  otherChannel = openChannel(otherOrders, shop.order.grpc)
  deadLetters = await followTopic(memoryDriver(), `${commandTopic}.dlq.order`)
})
afterAll(async () => {
  await deadLetters[Symbol.asyncDispose]()
  await Promise.all([channel.close(), otherChannel.close()])
  await shop[Symbol.asyncDispose]()
})

const userId = '6d7b6a0e-6c1e-4f0e-9d8e-0d3f5f1c2b3a'
const item = { sku: 'tea', quantity: 1, unitPriceCents: 350 }

async function overHttp(path: string, init: RequestInit = {}): Promise<Refusal & { readonly status: number }> {
  const response = await fetch(`${shop.order.http}${path}`, init)
  const problem = (await response.json()) as { code: string; reason?: string; errors?: readonly Violation[] }
  expect(response.headers.get('content-type')).toMatch('application/problem+json')
  const { code, reason, errors } = problem
  return { status: response.status, code, reason, fields: fieldsOf(errors) }
}

function posted(body: string): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

async function overGrpc(call: (client: ReturnType<typeof laxClient>) => Promise<unknown>): Promise<Refusal> {
  return refusalOf(call(laxClient()))
}

async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call
  } catch (error) {
    if (!ServiceError.is(error)) throw error
    return { code: error.code, reason: error.reason, fields: fieldsOf(error.details?.violations) }
  }
  throw new Error('the call was not refused')
}

const undecodable = { code: 'invalid_argument', reason: 'undecodable', fields: [] }

function otherClient() {
  return buildClient(otherOrders, otherChannel)
}

function laxClient() {
  return buildClient(laxOrders, channel)
}

/** The refusal as the dead letter tells it; its message begins with the field. */
async function overQueue(value: string): Promise<Refusal> {
  const key = randomUUID()
  await sendRaw(memoryDriver(), { topic: commandTopic, key, value })
  const headers = await eventually(() => {
    const letter = deadLetters.messages.find((message) => message.key === key)
    if (letter === undefined) throw new Error('no dead letter yet')
    return letter.headers
  })
  const [first = ''] = (headers['tenon-error-message'] ?? '').split(' ')
  return {
    code: headers['tenon-error-code'] ?? '',
    reason: headers['tenon-error-reason'],
    fields: first.startsWith('/') ? [first] : [],
  }
}

function fieldsOf(violations: readonly Violation[] = []): readonly string[] {
  return violations.map(({ field }) => field)
}

describe('an order is refused with the same code and the same field on every transport', () => {
  test.each([
    ['a missing field', { items: [item] }, '/userId'],
    ['a missing field of an item', { userId, items: [{ quantity: 1, unitPriceCents: 350 }] }, '/items/0/sku'],
    ['a missing list', { userId }, '/items'],
    ['an empty list', { userId, items: [] }, '/items'],
    ['a text of another form', { userId: 'nobody', items: [item] }, '/userId'],
    ['an empty text', { userId, items: [{ ...item, sku: '' }] }, '/items/0/sku'],
    ['a number out of range', { userId, items: [item, { ...item, quantity: 0 }] }, '/items/1/quantity'],
  ])('%s', async (_what, input, field) => {
    const refusal = { code: 'invalid_argument', reason: undefined, fields: [field] }
    const body = JSON.stringify(input)
    expect(await overHttp('/v1/orders', posted(body))).toEqual({ ...refusal, status: 400 })
    expect(await overGrpc((client) => client.placeOrder(input))).toEqual(refusal)
    expect(await overQueue(body)).toEqual(refusal)
  })

  test('a field of another type, which on gRPC is another wire type and names no field', async () => {
    const input = { userId, items: [{ ...item, quantity: 'one' }] }
    const refusal = { code: 'invalid_argument', reason: undefined, fields: ['/items/0/quantity'] }
    const body = JSON.stringify(input)
    expect(await overHttp('/v1/orders', posted(body))).toEqual({ ...refusal, status: 400 })
    expect(await overQueue(body)).toEqual(refusal)
    expect(await refusalOf(otherClient().placeOrder({ orderId: 1, userId: 1 }))).toEqual(undecodable)
  })

  test('what cannot be decoded at all', async () => {
    expect(await overHttp('/v1/orders', posted('{"userId":'))).toEqual({ ...undecodable, status: 400 })
    expect(await overQueue('{"userId":')).toEqual(undecodable)
    expect(await refusalOf(otherClient().placeOrder({ orderId: 1, userId: 1 }))).toEqual(undecodable)
    // A length that goes beyond the message.
    expect(await rawCall('PlaceOrder', Buffer.from([0x12, 0x7f, 0x41]))).toBe(status.INVALID_ARGUMENT)
  })
})

describe('a query is refused with the same code and the same field over REST and gRPC', () => {
  test.each([
    ['a page size out of range', { pageSize: 101 }, '/pageSize'],
    ['an id of another form', { userId: 'nobody' }, '/userId'],
    ['a page token of nobody', { pageToken: 'bm9ib2R5' }, '/pageToken'],
  ])('%s', async (_what, input, field) => {
    const refusal = { code: 'invalid_argument', reason: undefined, fields: [field] }
    const query = new URLSearchParams(
      Object.entries(input).map(([name, value]): [string, string] => [name, String(value)]),
    )
    expect(await overHttp(`/v1/orders?${query.toString()}`)).toEqual({ ...refusal, status: 400 })
    expect(await overGrpc((client) => client.listOrders(input))).toEqual(refusal)
  })

  test('a path parameter of another form', async () => {
    const refusal = { code: 'invalid_argument', reason: undefined, fields: ['/orderId'] }
    expect(await overHttp('/v1/orders/nothing')).toEqual({ ...refusal, status: 400 })
    expect(await overGrpc((client) => client.getOrder({ orderId: 'nothing' }))).toEqual(refusal)
  })
})

test('fields that no schema declares are dropped on every transport', async () => {
  const user = await shop.users.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
  const input = { userId: user.userId, items: [{ ...item, colour: 'green' }], coupon: 'SPRING' }
  const orderIds = [randomUUID(), randomUUID(), randomUUID()] as const
  const response = await fetch(
    `${shop.order.http}/v1/orders`,
    posted(JSON.stringify({ ...input, orderId: orderIds[0] })),
  )
  expect(response.status).toBe(201)
  await laxClient().placeOrder({ ...input, orderId: orderIds[1] })
  const value = JSON.stringify({ ...input, orderId: orderIds[2] })
  await sendRaw(memoryDriver(), { topic: commandTopic, key: user.userId, value })
  for (const orderId of orderIds) {
    const order = await eventually(() => shop.orders.getOrder({ orderId }))
    expect(order).toMatchObject({ items: [item] })
    const stored = await fetch(`${shop.order.http}/v1/orders/${orderId}`)
    expect(await stored.json()).toEqual(order)
  }
})

describe('over REST', () => {
  test('an unknown route is answered 404', async () => {
    expect(await overHttp('/v1/baskets')).toMatchObject({ status: 404, code: 'not_found' })
  })

  test('a wrong verb is answered 405 and told the right ones', async () => {
    const response = await fetch(`${shop.order.http}/v1/orders`, { method: 'PUT' })
    expect({ status: response.status, allow: response.headers.get('allow')?.split(', ').toSorted() }).toEqual({
      status: 405,
      allow: ['GET', 'HEAD', 'OPTIONS', 'POST'],
    })
  })

  test('another media type is answered 415', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<order/>' }
    expect(await overHttp('/v1/orders', init)).toMatchObject({ status: 415, code: 'invalid_argument' })
  })

  test('a body over 1 MiB is answered 413', async () => {
    const body = JSON.stringify({ userId, items: [{ ...item, sku: 'x'.repeat(1_048_576) }] })
    expect(await overHttp('/v1/orders', posted(body))).toMatchObject({ status: 413, code: 'resource_exhausted' })
  })
})

test('an unknown method is answered UNIMPLEMENTED over gRPC', async () => {
  expect(await rawCall('PlaceBasket', Buffer.alloc(0))).toBe(status.UNIMPLEMENTED)
})

/** Sends bytes as they are; the status they were answered with. */
async function rawCall(method: string, bytes: Buffer): Promise<number> {
  const client = new Client(shop.order.grpc, credentials.createInsecure())
  const same = (buffer: Buffer) => buffer
  const path = `/shop.order.v1.OrderService/${method}`
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(path, same, same, bytes, (error) => resolve(error?.code ?? status.OK))
    })
  } finally {
    client.close()
  }
}
