import { defineHandler, defineService, event, inject, Publisher, ServiceError } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { override } from './override.ts'
import { recordingPublisher } from './recording-publisher.ts'
import { testService } from './test-service.ts'

const Order = Type.Object({ orderId: Type.String({ minLength: 1 }), totalCents: Type.Integer() })
const orderPlaced = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const orders = contract('shop.order.v1.OrderService', {
  place: { input: Order, output: Type.Object({}), queue: { topic: 'shop.order.place.v1', key: 'orderId' } },
  show: { input: Order, output: Type.Object({}), http: 'GET /v1/orders/:orderId' },
})

class OrderBook {
  readonly #publisher: Publisher

  constructor(publisher: Publisher) {
    this.#publisher = publisher
  }

  async place(orderId: string, totalCents: number): Promise<void> {
    await this.#publisher.publish(orderPlaced, { orderId, totalCents }, { id: `placed-${orderId}` })
  }
}

test('tells that an order was placed', async () => {
  const publisher = recordingPublisher()
  await new OrderBook(publisher).place('o1', 700)
  expect(publisher.published(orderPlaced)).toMatchObject([
    { key: 'o1', id: 'placed-o1', payload: { orderId: 'o1', totalCents: 700 } },
  ])
})

const order = { orderId: 'o1', totalCents: 700 }

test('lists what was published in order and by type, with all that the options say', async () => {
  const publisher = recordingPublisher()
  const options = { key: 'k', headers: { 'X-Tenant': 'acme' }, delayMs: 5, expiresAfterMs: 60, id: 'same' }
  await publisher.publish(orderPlaced, order, options)
  await publisher.send(orders.place, order)
  const [first, second] = publisher.published()
  expect(first).toEqual({
    topic: 'shop.order.placed.v1',
    key: 'k',
    payload: order,
    headers: { 'x-tenant': 'acme' },
    id: 'same',
    delayMs: 5,
    expiresAfterMs: 60,
  })
  expect(second).toEqual({
    topic: 'shop.order.place.v1',
    key: 'o1',
    payload: order,
    headers: {},
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    delayMs: 0,
    expiresAfterMs: undefined,
  })
  expect(publisher.published(orders.place)).toEqual([second])
  expectTypeOf(publisher.published(orderPlaced)[0]?.payload).toEqualTypeOf<
    { orderId: string; totalCents: number } | undefined
  >()
})

test('keeps what was published as it was then', async () => {
  const publisher = recordingPublisher()
  const changing = { ...order }
  await publisher.publish(orderPlaced, changing)
  changing.totalCents = 0
  expect(publisher.published(orderPlaced)[0]?.payload).toEqual(order)
})

test.each([
  [{ orderId: '', totalCents: 1 }, {}, '/orderId'],
  [order, { headers: { ce_id: '1' } }, '"ce_id" is set by the publisher itself'],
  [order, { key: '' }, 'key must have'],
  [order, { delayMs: -1 }, 'delayMs must be'],
  [order, { expiresAfterMs: 0 }, 'expiresAfterMs must be'],
])('is as strict about %o with %o as the publisher of a queue', async (payload, options, told) => {
  const publisher = recordingPublisher()
  await expect(publisher.publish(orderPlaced, payload, options)).rejects.toMatchObject({
    code: 'internal',
    message: 'a message cannot be published as it was given',
    cause: { message: expect.stringContaining(told) },
  })
  expect(publisher.published()).toEqual([])
})

test('refuses a command without a queue binding', async () => {
  const sending = recordingPublisher().send(orders.show as unknown as typeof orders.place, order)
  await expect(sending).rejects.toMatchObject({
    code: 'internal',
    cause: { message: expect.stringContaining('no queue binding') },
  })
})

test('fails while the broker is out, and for a signal that has fired, and lists none of it', async () => {
  const publisher = recordingPublisher()
  {
    using _outage = publisher.brokerOutage()
    await expect(publisher.publish(orderPlaced, order)).rejects.toMatchObject({ code: 'unavailable' })
    using _worse = publisher.brokerOutage(new ServiceError('resource_exhausted', 'full'))
    await expect(publisher.publish(orderPlaced, order)).rejects.toMatchObject({ code: 'resource_exhausted' })
  }
  const signal = AbortSignal.abort()
  await expect(publisher.publish(orderPlaced, order, { signal })).rejects.toMatchObject({ code: 'cancelled' })
  const late = AbortSignal.abort(new ServiceError('deadline_exceeded', 'too late'))
  await expect(publisher.publish(orderPlaced, order, { signal: late })).rejects.toMatchObject({
    code: 'deadline_exceeded',
  })
  expect(publisher.published()).toEqual([])
})

test('stands in for the publisher of a service', async () => {
  const publisher = recordingPublisher()
  const service = defineService({
    name: 'order',
    version: '1.0.0',
    handlers: [
      defineHandler(orders, () => {
        const book = new OrderBook(inject(Publisher))
        return {
          place: async ({ orderId, totalCents }) => {
            await book.place(orderId, totalCents)
            return {}
          },
          show: () => ({}),
        }
      }),
    ],
  })
  await using tested = await testService(service, { overrides: [override(Publisher, publisher)] })
  await tested.call(orders.place, order)
  expect(publisher.published(orderPlaced)).toHaveLength(1)
  expect(tested.published()).toEqual([])
})

test('fails as deadline_exceeded once the deadline of the running call has passed', async () => {
  const told = Promise.withResolvers<unknown>()
  const service = defineService({
    name: 'order',
    version: '1.0.0',
    handlers: [
      defineHandler(orders, () => {
        const publisher = inject(Publisher)
        return {
          place: async (_input, { signal }) => {
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
            await publisher.publish(orderPlaced, order).catch(told.resolve)
            return {}
          },
          show: () => ({}),
        }
      }),
    ],
  })
  await using tested = await testService(service, { clock: 'fake' })
  const calling = expect(tested.call(orders.place, order, { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'deadline_exceeded',
  })
  await tested.clock.advance(50)
  await calling
  expect(await told.promise).toMatchObject({ code: 'deadline_exceeded' })
  expect(tested.published()).toEqual([])
})

const checks = new Map<number, PromiseWithResolvers<boolean>>()
/** Checked when the test says so. */
const orderChecked = event('shop.order.checked.v1', {
  key: 'orderId',
  payload: z
    .object({ orderId: z.string(), totalCents: z.number() })
    .refine(({ totalCents }) => checks.get(totalCents)?.promise ?? true),
})

test('lists messages in the order in which they were published, however long each is checked', async () => {
  const publisher = recordingPublisher()
  const [first, second] = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()]
  checks.set(1, first).set(2, second)
  const all = [1, 2, 3].map((totalCents) => publisher.publish(orderChecked, { ...order, totalCents }))
  second.resolve(true)
  await new Promise((resolve) => setImmediate(resolve))
  expect(publisher.published()).toEqual([])
  first.resolve(true)
  await Promise.all(all)
  expect(publisher.published(orderChecked).map(({ payload }) => payload.totalCents)).toEqual([1, 2, 3])
})

test('gives up what a validator hangs on when its signal fires, and lists those behind it', async () => {
  const publisher = recordingPublisher()
  checks.set(4, Promise.withResolvers<boolean>())
  const leaving = new AbortController()
  const hung = publisher.publish(orderChecked, { ...order, totalCents: 4 }, { signal: leaving.signal })
  const next = publisher.publish(orderChecked, { ...order, totalCents: 5 })
  leaving.abort()
  await expect(hung).rejects.toMatchObject({ code: 'cancelled' })
  await next
  expect(publisher.published(orderChecked).map(({ payload }) => payload.totalCents)).toEqual([5])
})

test('gives up what a validator hangs on when the deadline of the running call passes', async () => {
  const told = Promise.withResolvers<unknown>()
  checks.set(6, Promise.withResolvers<boolean>())
  const service = defineService({
    name: 'order',
    version: '1.0.0',
    handlers: [
      defineHandler(orders, () => {
        const publisher = inject(Publisher)
        return {
          place: async (input) => {
            await publisher.publish(orderChecked, input).catch(told.resolve)
            return {}
          },
          show: () => ({}),
        }
      }),
    ],
  })
  await using tested = await testService(service, { clock: 'fake' })
  const calling = tested.call(orders.place, { ...order, totalCents: 6 }, { timeoutMs: 50 })
  const failed = expect(calling).rejects.toMatchObject({ code: 'deadline_exceeded' })
  await tested.clock.advance(50)
  await failed
  expect(await told.promise).toMatchObject({ code: 'deadline_exceeded' })
})
