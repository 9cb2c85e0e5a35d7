import { randomUUID } from 'node:crypto'
import { firstPlace } from '@shop/data'
import type { Kysely } from 'kysely'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { OrderTables } from './order-database.ts'
import { OrderStore } from './order-store.ts'

const { signal } = new AbortController()
const items = [
  { sku: 'tea', quantity: 2, unitPriceCents: 350 },
  { sku: 'cup', quantity: 1, unitPriceCents: 1_200 },
]

/** What the store guarantees on every database. */
export function orderStoreSuite(
  open: () => Promise<AsyncDisposable & { readonly database: Kysely<OrderTables> }>,
): void {
  test('finds an order that was placed, and no other', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const [orderId, userId] = [randomUUID(), randomUUID()]
    const order = await store.place({ orderId, userId, items })
    expect(order).toEqual({
      orderId,
      userId,
      items,
      totalCents: 1_900,
      status: 'placed',
      placedAt: expect.stringMatching(/Z$/),
    })
    expect(await store.find(orderId, signal)).toEqual(order)
    expect(await store.find(randomUUID(), signal)).toBeUndefined()
  })

  test('places one order for an orderId, however many ask at once', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const [orderId, userId] = [randomUUID(), randomUUID()]
    const placed = await Promise.all([1, 2, 3, 4].map(() => store.place({ orderId, userId, items })))
    const [first] = placed
    for (const order of placed) expect(order).toEqual(first)
    const { orders } = await store.list({ userId, pageSize: 2, after: firstPlace }, signal)
    expect(orders).toEqual([first])
  })

  test('takes an id in capitals for the same id', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const [orderId, userId] = [randomUUID(), randomUUID()]
    const [upperOrderId, upperUserId] = [orderId.toUpperCase(), userId.toUpperCase()]
    const order = await store.place({ orderId: upperOrderId, userId: upperUserId, items })
    expect(order).toMatchObject({ orderId, userId })
    expect(await store.place({ orderId, userId, items })).toEqual(order)
    expect(await store.find(upperOrderId, signal)).toEqual(order)
    const { orders } = await store.list({ userId: upperUserId, pageSize: 2, after: firstPlace }, signal)
    expect(orders).toEqual([order])
    expect(await store.cancel(upperOrderId)).toEqual({ ...order, status: 'cancelled' })
  })

  test('lists orders page by page, of all users or of one', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const [one, other] = [randomUUID(), randomUUID()]
    for (const userId of [one, other, one, other, one]) await store.place({ orderId: randomUUID(), userId, items })
    const everyone = await store.list({ userId: undefined, pageSize: 5, after: firstPlace }, signal)
    const first = await store.list({ userId: one, pageSize: 2, after: firstPlace }, signal)
    const second = await store.list({ userId: one, pageSize: 2, after: first.next ?? firstPlace }, signal)
    expect({ count: everyone.orders.length, next: everyone.next }).toEqual({ count: 5, next: undefined })
    expect([first, second].map(({ orders }) => orders.map(({ userId }) => userId))).toEqual([[one, one], [one]])
    expect(second.next).toBeUndefined()
  })

  test('cancels an order, however many ask at once', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const orderId = randomUUID()
    await store.place({ orderId, userId: randomUUID(), items })
    const cancelled = await Promise.all([1, 2, 3].map(() => store.cancel(orderId)))
    expect(cancelled.map((order) => order?.status)).toEqual(['cancelled', 'cancelled', 'cancelled'])
    expect(await store.cancel(randomUUID())).toBeUndefined()
  })

  test('forgets orders that were cancelled, but none of later', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const [kept, cancelled] = [randomUUID(), randomUUID()]
    // Long ago, so that nobody else's order is meant.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2001-01-01T12:00:00Z') })
    onTestFinished(() => void vi.useRealTimers())
    for (const orderId of [kept, cancelled]) await store.place({ orderId, userId: randomUUID(), items })
    await store.cancel(cancelled)
    expect(await store.forgetCancelled(new Date('2001-01-01T12:00:00Z'), signal)).toBe(0)
    expect(await store.find(cancelled, signal)).toBeDefined()
    expect(await store.forgetCancelled(new Date('2001-01-01T12:00:01Z'), signal)).toBe(1)
    expect(await store.find(cancelled, signal)).toBeUndefined()
    expect(await store.find(kept, signal)).toBeDefined()
  })

  test('announces what was placed and cancelled, and nothing that did not change', async () => {
    await using opened = await open()
    const store = new OrderStore(opened.database)
    const watching = new AbortController()
    const changes = store.changes(watching.signal)
    const [orderId, userId] = [randomUUID(), randomUUID()]
    await Promise.all([1, 2, 3].map(() => store.place({ orderId, userId, items })))
    await Promise.all([1, 2, 3].map(() => store.cancel(orderId)))
    watching.abort()
    const statuses: string[] = []
    for await (const { status } of changes) statuses.push(status)
    expect(statuses).toEqual(['placed', 'cancelled'])
  })
}
