import { defineConsumer, defineHandler, defineService } from '@tenon/core'
import { contract, event } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import type { QueueOptions } from '../queue-options.ts'
import { queueTransport } from '../queue-transport.ts'
import { asyncapi } from './asyncapi.ts'

const Order = Type.Object({ orderId: Type.String() })
const place = { input: Order, output: Order, queue: { topic: 'shop.order.place.v1', key: 'orderId' } } as const
const orders = contract('shop.order.v1.OrderService', { place })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload: Order })
const paid = event('shop.payment.paid.v1', { key: 'orderId', payload: Order })
const sent = event('shop.payment.sent.v1', { key: 'orderId', payload: Order })

type Connection = Omit<QueueOptions, 'driver'>

function service(name: string, ...connections: readonly Connection[]) {
  return defineService({
    name,
    version: '1.0.0',
    admin: false,
    handlers: [
      defineHandler(orders, () => ({ place: async (order) => order })),
      ...[placed, paid].map((one) => defineConsumer(one, () => async () => undefined)),
    ],
    transports: () => connections.map((one) => queueTransport({ ...one, driver: memoryDriver() })),
  })
}

const problemsOf = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}

describe('several services', () => {
  it('have an operation each for a command that all of them receive', () => {
    const { operations } = asyncapi([orders, placed, paid, service('alpha', {}), service('beta', {})])
    expect(Object.keys(operations).filter((id) => !id.includes('payment'))).toEqual([
      'receive_shop.order.placed.v1__alpha',
      'receive_shop.order.placed.v1__beta',
      'send_shop.order.place.v1.dlq.alpha',
      'send_shop.order.place.v1.dlq.beta',
      'send_shop.order.placed.v1.dlq.alpha',
      'send_shop.order.placed.v1.dlq.beta',
      'shop.order.v1.OrderService_place__alpha',
      'shop.order.v1.OrderService_place__beta',
    ])
  })

  it('are one receiver in one group, in whatever order they come', () => {
    const billing = contract('shop.order.v1.OrderService', {
      place: { ...place, queue: { ...place.queue, group: 'billing' } },
    })
    const handles = (name: string) =>
      defineService({
        name,
        version: '1.0.0',
        admin: false,
        handlers: [defineHandler(billing, () => ({ place: async (order) => order }))],
        transports: () => [queueTransport({ driver: memoryDriver() })],
      })
    const document = asyncapi([handles('alpha'), handles('beta'), billing])
    expect(Object.keys(document.operations)).toEqual([
      'send_shop.order.place.v1.dlq.billing',
      'shop.order.v1.OrderService_place',
    ])
    expect(JSON.stringify(asyncapi([billing, handles('beta'), handles('alpha')]))).toBe(JSON.stringify(document))
  })
})

it('refuses two operations of one id, of which one would be lost', () => {
  const twin = contract('shop.order.v1.OrderService', {
    place: { ...place, queue: { ...place.queue, topic: 'shop.order.place.v2' } },
  })
  expect(problemsOf(() => asyncapi([orders, twin]))).toEqual([
    'asyncapi(): shop.order.v1.OrderService_place is the name of several operations; leave all but one out',
  ])
})

describe('a service with several connections', () => {
  const connections = [
    { name: 'orders', topics: ['shop.order.*'] },
    { name: 'payments', topics: [paid, sent] },
  ]
  const parts = [service('alpha', ...connections), orders, placed, paid, sent]
  const servers = { orders: { host: 'orders:9092' }, payments: { host: 'payments:9092' } }

  it('has each channel on the server of its connection alone', () => {
    const { channels } = asyncapi(parts, { servers })
    expect(Object.values(channels).map(({ address, servers: named }) => [address, named])).toEqual([
      ['shop.order.place.v1', [{ $ref: '#/servers/orders' }]],
      ['shop.order.place.v1.dlq.alpha', [{ $ref: '#/servers/orders' }]],
      ['shop.order.placed.v1', [{ $ref: '#/servers/orders' }]],
      ['shop.order.placed.v1.dlq.alpha', [{ $ref: '#/servers/orders' }]],
      ['shop.payment.paid.v1', [{ $ref: '#/servers/payments' }]],
      ['shop.payment.paid.v1.dlq.alpha', [{ $ref: '#/servers/payments' }]],
      ['shop.payment.sent.v1', [{ $ref: '#/servers/payments' }]],
    ])
  })

  it('leaves out what goes over a connection that no server is named after', () => {
    const { channels, operations } = asyncapi(parts, { servers: { payments: { host: 'payments:9092' } } })
    expect(Object.keys(channels).every((topic) => topic.startsWith('shop.payment.'))).toBe(true)
    expect(Object.keys(operations).some((id) => id.includes('order'))).toBe(false)
  })

  it('refuses a server that is named after no connection', () => {
    expect(problemsOf(() => asyncapi(parts, { servers: { ...servers, order: { host: 'orders:9092' } } }))).toEqual([
      'asyncapi(): servers.order must be named after the connections that go there, expected orders, payments',
    ])
  })

  it('has its channels on all servers when it has one connection, or they belong to no service', () => {
    const live = { live: { host: 'kafka:9092' }, test: { host: 'test:9092' } }
    for (const some of [[service('alpha', {}), orders, placed, paid], [orders]])
      expect(Object.values(asyncapi(some, { servers: live }).channels).some((channel) => 'servers' in channel)).toBe(
        false,
      )
  })
})

it('leaves out what no connection of a service carries, whether it would receive or send it', () => {
  const document = asyncapi([service('alpha', { topics: ['shop.payment.*'] }), orders, placed, paid, sent])
  expect(Object.keys(document.channels)).toEqual([
    'shop.payment.paid.v1',
    'shop.payment.paid.v1.dlq.alpha',
    'shop.payment.sent.v1',
  ])
  expect(asyncapi([service('alpha', { topics: ['other.*'] }), orders, placed]).channels).toEqual({})
})
