import { randomUUID } from 'node:crypto'
import { eventually } from '@tenon/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Shop, startShop } from './shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop[Symbol.asyncDispose]())

const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]

/** Opens a watch over HTTP and reads it piece by piece. */
async function watchHttp(url: string, accept: string) {
  const response = await fetch(url, { headers: { accept } })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) throw new Error('the reply has no body')
  return {
    contentType: response.headers.get('content-type'),
    read: async () => (await reader.read()).value,
    [Symbol.asyncDispose]: () => reader.cancel(),
  }
}

test('a watch over HTTP delivers each change as it happens, as NDJSON or as server-sent events', async () => {
  const url = `${shop.order.http}/v1/orders:watch`
  await using lines = await watchHttp(url, '*/*')
  await using events = await watchHttp(url, 'text/event-stream')
  expect(lines.contentType).toMatch('application/x-ndjson')
  expect(events.contentType).toMatch('text/event-stream')
  const { userId } = await shop.users.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
  // Nothing after this is done before the piece has been read, so a piece that waits for the next one is never seen.
  const placed = await shop.orders.placeOrder({ userId, items })
  expect(await lines.read()).toBe(`${JSON.stringify(placed)}\n`)
  expect(await events.read()).toBe(`data: ${JSON.stringify(placed)}\n\n`)
  const cancelled = await shop.orders.cancelOrder({ orderId: placed.orderId })
  expect(await lines.read()).toBe(`${JSON.stringify(cancelled)}\n`)
  expect(await events.read()).toBe(`data: ${JSON.stringify(cancelled)}\n\n`)
})

test('a watch over gRPC delivers each change as it happens, and a count is one', async () => {
  const watching = new AbortController()
  const watch = shop.users.watchUsers({}, { signal: watching.signal })[Symbol.asyncIterator]()
  const first = watch.next()
  await eventually(async () => expect(await runningCallCount(shop.user.admin)).toBe(1))
  const user = await shop.users.createUser({ name: 'Ada', email: `${randomUUID()}@example.com` })
  expect(await first).toEqual({ done: false, value: user })
  await shop.orders.placeOrder({ userId: user.userId, items })
  expect(await watch.next()).toEqual({ done: false, value: { ...user, orderCount: 1 } })
  watching.abort()
  await expect(watch.next()).rejects.toMatchObject({ code: 'cancelled' })
  await eventually(async () => expect(await runningCallCount(shop.user.admin)).toBe(0))
})

test('a watcher that leaves is forgotten', async () => {
  await eventually(async () => expect(await runningCallCount(shop.order.admin)).toBe(0))
  const watch = await watchHttp(`${shop.order.http}/v1/orders:watch`, '*/*')
  expect(await runningCallCount(shop.order.admin)).toBe(1)
  await watch[Symbol.asyncDispose]()
  await eventually(async () => expect(await runningCallCount(shop.order.admin)).toBe(0))
})

async function runningCallCount(admin: string): Promise<number> {
  const response = await fetch(`${admin}/info`)
  const { runningCallCount: count } = (await response.json()) as { runningCallCount: number }
  return count
}
