import Type from 'typebox'
import { expect, test } from 'vitest'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { Consumes } from './consumes.ts'
import { defineConsumer, defineHandler } from './define-handler.ts'
import { toHandlerDefinition } from './handler-class.ts'
import { Handles } from './handles.ts'
import { Implements } from './implements.ts'

const payload = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload })
const orders = contract('shop.OrderService', {
  place: { input: payload, output: payload, queue: { topic: 'shop.order.place.v1', key: 'orderId' } },
})
const options = {
  group: 'audit',
  failures: { not_found: 'skip' },
  retry: { maxAttemptCount: 2 },
  concurrency: 4,
} as const
const { group, ...delivery } = options

test('a method that consumes says how its messages are delivered', () => {
  class OrderAudit {
    @Consumes(placed, options)
    note() {}

    @Consumes(event('shop.order.paid.v1', { key: 'orderId', payload }))
    paid() {}
  }
  expect(toHandlerDefinition(OrderAudit).consumers).toMatchObject([
    { event: placed, group, delivery },
    { group: undefined, delivery: {} },
  ])
})

test('so does a consumer without decorators', () => {
  expect(defineConsumer(placed, () => () => undefined, options).consumers).toMatchObject([
    { event: placed, group, delivery },
  ])
})

test('a method that implements a command says so under queue, in either form', () => {
  @Handles(orders)
  class OrderHandler {
    @Implements(orders.place, { queue: delivery })
    place(order: { readonly orderId: string }) {
      return order
    }
  }
  const defined = defineHandler(orders, () => ({ place: (order) => order }), {
    operations: { place: { queue: delivery } },
  })
  for (const { operations } of [toHandlerDefinition(OrderHandler), defined])
    expect(operations).toMatchObject([{ serving: { delivery } }])
})

test('either says how many messages come at once, and for how long the first waits', () => {
  const batch = { maxCount: 500, maxWaitMs: 20 }
  class OrderAudit {
    @Consumes(placed, { batch, concurrency: 2 })
    note() {}
  }
  const consumers = [{ batch, delivery: { concurrency: 2 } }]
  expect(toHandlerDefinition(OrderAudit).consumers).toMatchObject(consumers)
  expect(defineConsumer(placed, () => () => undefined, { batch, concurrency: 2 }).consumers).toMatchObject(consumers)
  expect(() => Consumes(placed, { batch: { maxCount: 0 } })).toThrow(
    '@Consumes(shop.order.placed.v1): batch: maxCount must be a whole number from 1 to 10000, found 0',
  )
})

test('what is wrong is refused where it stands', () => {
  const wrong = { failures: { not_found: 'forget' } } as never
  const problem = 'failures.not_found must be one of retry, wait, dead_letter, skip, found "forget"'
  expect(() => Consumes(placed, wrong)).toThrow(`@Consumes(shop.order.placed.v1): ${problem}`)
  expect(() => defineConsumer(placed, () => () => undefined, wrong)).toThrow(
    `defineConsumer(shop.order.placed.v1): ${problem}`,
  )
  expect(() => Implements(orders.place, { queue: wrong })).toThrow(
    `@Implements(shop.OrderService/place): queue: ${problem}`,
  )
  expect(() =>
    defineHandler(orders, () => ({ place: (order) => order }), { operations: { place: { queue: wrong } } }),
  ).toThrow(`defineHandler(shop.OrderService): place: queue: ${problem}`)
})

test('a consumer says that it is a broadcast, and where reading begins', () => {
  const consumersOf = (...given: Parameters<typeof defineConsumer<typeof placed>>[2][]) =>
    given.map((one) => defineConsumer(placed, () => () => undefined, one).consumers[0])
  const moment = '2026-01-31T12:00:00.000Z'
  expect(
    consumersOf(
      {},
      { broadcast: true, start: 'earliest' },
      { broadcast: true, start: { at: '2026-01-31T13:00:00+01:00' } },
      { broadcast: true, start: { at: new Date(moment) } },
    ),
  ).toMatchObject([
    { isBroadcast: false, start: undefined },
    { isBroadcast: true, start: 'earliest', group: undefined, delivery: {} },
    { isBroadcast: true, start: { startAt: Date.parse(moment) } },
    { isBroadcast: true, start: { startAt: Date.parse(moment) } },
  ])
})

test.each([
  [{ broadcast: 'yes' }, 'broadcast must be true or false, found "yes"'],
  [{ broadcast: true, group: 'audit' }, 'a broadcast has no group; leave group or broadcast out'],
  [{ broadcast: true, failures: { aborted: 'dead_letter' } }, 'failures.aborted cannot be dead_letter for a broadcast'],
  [{ broadcast: true, start: 'newest' }, 'start must be earliest, latest or { at }'],
  [{ broadcast: true, start: null }, 'found null'],
  [{ broadcast: true, start: {} }, 'found an object'],
  [{ broadcast: true, start: { at: 'yesterday' } }, 'found at: "yesterday"'],
  [{ broadcast: true, start: { at: '2026-02-30T12:00:00Z' } }, 'found at: "2026-02-30T12:00:00Z"'],
  [{ broadcast: true, start: { at: new Date(Number.NaN) } }, 'found at: an object'],
  [{ broadcast: true, start: { at: '1969-12-31T23:59:59Z' } }, 'found at: "1969-12-31T23:59:59Z"'],
  [{ broadcast: true, start: { at: new Date(), offset: 3 } }, 'start must be'],
])('a consumer is refused that says %j', (wrong: object, told) => {
  expect(() => defineConsumer(placed, () => () => undefined, wrong)).toThrow(told)
})
