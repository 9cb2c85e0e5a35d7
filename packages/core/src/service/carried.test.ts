import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { contract } from '../contract/contract.ts'
import { event } from '../contract/event.ts'
import { upcast } from '../contract/event-upcast.ts'
import { defineConsumer, defineHandler } from '../handler/define-handler.ts'
import type { Transport } from '../transport/transport.ts'
import { carriedBy, checkTopics } from './carried.ts'

const payload = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload })
const paid = event('shop.payment.paid.v1', { key: 'orderId', payload })
const orders = contract('shop.order.v1.OrderService', {
  place: {
    input: payload,
    output: payload,
    http: 'POST /v1/orders',
    queue: { topic: 'shop.order.place.v1', key: 'orderId' },
  },
})
const handler = defineHandler(orders, () => ({ place: async (order) => order }))
const consumerOf = (of: typeof placed) => defineConsumer(of, () => async () => undefined)
const all = [handler, consumerOf(placed), consumerOf(paid)]

describe('checkTopics', () => {
  it('finds nothing wrong where each topic has one transport', () => {
    expect(checkTopics(all, [choosing('orders', 'shop.order.'), choosing('payments', 'shop.payment.')])).toEqual([])
  })

  it('asks nothing of transports that do not say what they carry', () => {
    expect(checkTopics(all, [carrier('one'), carrier('other')])).toEqual([])
  })

  it('names what none carries, also a command that HTTP would carry', () => {
    expect(checkTopics(all, [choosing('payments', 'shop.payment.'), choosing('audit', 'audit.')])).toEqual([
      {
        code: 'wiring.unreachable',
        message:
          'command shop.order.v1.OrderService/place (topic shop.order.place.v1) is carried by none of payments and audit: add "shop.order.place.v1" to the topics of one',
      },
      {
        code: 'wiring.unreachable',
        message:
          'event shop.order.placed.v1 is carried by none of payments and audit: add "shop.order.placed.v1" to the topics of one',
      },
    ])
  })

  it('names both that carry the same', () => {
    expect(checkTopics([consumerOf(placed)], [choosing('orders', 'shop.'), choosing('audit', '')])).toEqual([
      {
        code: 'wiring.ambiguous_topic',
        message:
          'event shop.order.placed.v1 is carried by orders and audit, each of which would handle its messages: name it in the topics of one, and give the others topics of their own',
      },
    ])
  })

  it('looks at the older topics that a consumer reads too', () => {
    const newer = event('shop.order.placed.v2', {
      key: 'orderId',
      payload,
      upcasts: [upcast(placed, (order) => order)],
    })
    const only = { ...carrier('orders'), carriesTopic: (topic: string) => topic === newer.topic }
    expect(checkTopics([consumerOf(newer)], [only]).map(({ message }) => message)).toEqual([
      expect.stringContaining('event shop.order.placed.v1 is carried by none of orders'),
    ])
  })
})

describe('carriedBy', () => {
  it('gives each transport the events of its topics, and its operations', () => {
    const dispatch = async () => expect.fail('nothing arrives')
    const endpoints = {
      operations: [{ operation: orders.place, dispatch }],
      events: [placed, paid].map((of) => ({ event: of, group: 'g', dispatch })),
    }
    const topicsOf = (transport: Transport) => carriedBy(transport, endpoints).events.map((one) => one.event.topic)
    expect(topicsOf(choosing('orders', 'shop.order.'))).toEqual([placed.topic])
    expect(topicsOf(carrier('all'))).toEqual([placed.topic, paid.topic])
    expect(topicsOf({ ...carrier('http'), carriesEvents: false })).toEqual([])
    expect(carriedBy(carrier('all'), endpoints).operations).toHaveLength(1)
  })
})

function carrier(name: string): Transport {
  return { name, carriesEvents: true, carries: () => true, bind: () => expect.fail('nothing is bound') }
}

function choosing(name: string, beginning: string): Transport {
  return { ...carrier(name), carriesTopic: (topic) => topic.startsWith(beginning) }
}
