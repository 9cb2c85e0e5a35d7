import Type from 'typebox'
import { expect, test } from 'vitest'
import { contract } from '../contract/contract.ts'
import type { DeliveryOptions } from '../contract/delivery.ts'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import type { EventEndpoint, OperationEndpoint } from '../transport/endpoint.ts'
import type { Transport } from '../transport/transport.ts'
import { defineService } from './define-service.ts'

const payload = Type.Object({ orderId: Type.String() })
const placedV1 = event('shop.order.placed.v1', { key: 'orderId', payload })
const placedV2 = event('shop.order.placed.v2', {
  key: 'orderId',
  payload,
  upcasts: [upcast(placedV1, (older) => older)],
})
const orders = contract('shop.OrderService', {
  place: { input: payload, output: payload, queue: { topic: 'shop.order.place.v1', key: 'orderId' }, access: 'public' },
  get: { input: payload, output: payload, access: 'public' },
})
const delivery: DeliveryOptions = {
  failures: { not_found: 'skip' },
  retry: { maxAttemptCount: 2 },
  concurrency: 3,
  maxHandlerMs: 60_000,
}

interface Bound {
  operations: readonly OperationEndpoint[]
  events: readonly EventEndpoint[]
}

/** A transport that carries everything, and keeps what it was given. */
function recording(bound: Bound): Transport {
  return {
    name: 'queue',
    carriesEvents: true,
    carries: () => true,
    bind: ({ operations, events }) => {
      Object.assign(bound, { operations, events })
      return {
        listen: () => Promise.resolve([]),
        withdraw: () => undefined,
        drain: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }
    },
  }
}

function serviceOf(options: { readonly get?: DeliveryOptions } = {}, bound: Bound = { operations: [], events: [] }) {
  return defineService({
    name: 'user',
    version: '1.0.0',
    admin: false,
    callTimeoutMs: 5_000,
    handlers: [
      defineHandler(orders, () => ({ place: (order) => order, get: (order) => order }), {
        operations: { place: { queue: delivery }, ...(options.get && { get: { queue: options.get } }) },
      }),
      defineConsumer(placedV2, () => () => undefined, { ...delivery, group: 'audit' }),
      defineConsumer(event('shop.order.paid.v1', { key: 'orderId', payload }), () => () => undefined),
    ],
    transports: () => [recording(bound)],
  })
}

test('a service tells how its messages are delivered, and which older events it reads', () => {
  const { operations, consumers } = serviceOf().describe()
  expect(operations.map(({ command }) => command)).toEqual([
    { topic: 'shop.order.place.v1', key: 'orderId', group: 'user', delivery },
    undefined,
  ])
  expect(consumers).toMatchObject([
    {
      topic: 'shop.order.placed.v2',
      olderTopics: ['shop.order.placed.v1'],
      group: 'audit',
      delivery,
      timeoutMs: 60_000,
    },
    { topic: 'shop.order.paid.v1', timeoutMs: 5_000 },
  ])
  expect(Object.keys(consumers[1] ?? {})).not.toEqual(expect.arrayContaining(['delivery']))
  expect(Object.keys(consumers[1] ?? {})).not.toEqual(expect.arrayContaining(['olderTopics']))
})

test('a transport is told the same, with an endpoint for every older event', async () => {
  const bound: Bound = { operations: [], events: [] }
  await using _started = await serviceOf({}, bound).start({ environment: { LOG_LEVEL: 'silent' } })
  expect(bound.operations.map((one) => one.delivery)).toEqual([delivery, undefined])
  expect(bound.events).toMatchObject([
    { event: placedV2, group: 'audit', delivery },
    { event: placedV1, into: placedV2, group: 'audit', delivery },
    { event: { topic: 'shop.order.paid.v1' }, group: 'user', delivery: {} },
  ])
  expect(bound.events[0]).not.toHaveProperty('into')
})

test('a check tells transports the same, and finds a schema of an older event that cannot be used', async () => {
  const bound: Bound = { operations: [], events: [] }
  expect(await serviceOf({}, bound).check({ environment: {} })).toEqual({ ok: true, problems: [] })
  expect(bound.events.map(({ event: { topic }, into }) => [topic, into?.topic])).toEqual([
    ['shop.order.placed.v2', undefined],
    ['shop.order.placed.v1', 'shop.order.placed.v2'],
    ['shop.order.paid.v1', undefined],
  ])
})

test('settings of a queue for an operation that is on none are refused', async () => {
  const { problems } = await serviceOf({ get: { concurrency: 1 } }).check({ environment: {} })
  expect(problems).toEqual([
    {
      code: 'wiring.unreachable',
      message:
        'shop.OrderService/get has settings of a queue, but its contract binds it to none: give it queue: { topic, key }, or leave them out',
    },
  ])
})
