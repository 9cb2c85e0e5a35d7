import { defineConsumer, defineHandler, defineService } from '@tenon/core'
import { bytes, contract, event, int64, timestamp, upcast } from '@tenon/core/contract'
import { ConfigError } from '@tenon/core/transport'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memoryDriver } from '../driver/memory/memory-driver.ts'
import { queueTransport } from '../queue-transport.ts'
import { type AsyncApiPart } from './exchange.ts'
import type { AsyncApiOptions } from './asyncapi-options.ts'
import { asyncapi } from './asyncapi.ts'

const OrderId = Type.String({ format: 'uuid' })
const Item = Type.Object({ sku: Type.String(), place: Type.Tuple([Type.Integer(), Type.String()]) }, { title: 'Item' })
const Order = Type.Object({ orderId: OrderId, items: Type.Array(Item), best: Type.Optional(Item) }, { title: 'Order' })
const orders = contract('shop.order.v1.OrderService', {
  place: {
    summary: 'Places an order.',
    input: Order,
    output: Order,
    queue: { topic: 'shop.order.place.v1', key: 'orderId' },
    examples: [{ name: 'empty', input: { orderId: 'b2b1c0c0-0000-4000-8000-000000000000', items: [] } }],
    deprecated: { at: '2026-01-01T00:00:00Z', sunset: '2027-01-01T00:00:00Z', link: 'https://shop.example.com/place' },
  },
  charge: {
    input: Type.Object({ orderId: OrderId, cents: int64({ minimum: 0n }) }),
    output: Type.Object({}),
    queue: { topic: 'shop.order.charge.v1', key: 'orderId', group: 'billing' },
    tags: ['money'],
  },
  get: { input: Type.Object({ orderId: OrderId }), output: Order, http: 'GET /v1/orders/:orderId' },
})
const placed = event('shop.order.placed.v1', {
  summary: 'An order was placed.',
  description: 'Once for each order.',
  key: 'orderId',
  payload: Type.Object({ orderId: OrderId, order: Order, at: timestamp(), scan: bytes(), total: int64() }),
  tags: ['orders'],
})
const cancelled = event('shop.order.cancelled.v1', {
  key: 'orderId',
  payload: Type.Object({ orderId: OrderId }),
  deprecated: true,
  format: 'protobuf',
})
const protobuf = { name: 'protobuf', contentType: 'application/protobuf' }

const problemsOf = (parts: unknown, options: object = {}): readonly string[] => {
  try {
    asyncapi(parts as AsyncApiPart, options as AsyncApiOptions)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message)
    throw error
  }
  return []
}

function service(forwardMetadata?: readonly string[]) {
  const handler = defineHandler(orders, () => ({
    place: async (order) => order,
    charge: async () => ({}),
    get: async () => Promise.reject(new Error('not called')),
  }))
  const count = defineConsumer(placed, () => async () => undefined, { group: 'count' })
  return defineService({
    name: 'order',
    version: '2.0.0',
    admin: false,
    handlers: [handler, count],
    ...(forwardMetadata && { forwardMetadata }),
    transports: () => [queueTransport({ driver: memoryDriver() })],
  })
}

describe('the document of contracts and events', () => {
  const document = asyncapi([placed, orders])

  it('has a channel for each topic, with how its messages are keyed', () => {
    expect(Object.keys(document.channels)).toEqual([
      'shop.order.charge.v1',
      'shop.order.charge.v1.dlq.billing',
      'shop.order.place.v1',
      'shop.order.placed.v1',
    ])
    const { messages, ...channel } = document.channels['shop.order.placed.v1'] ?? {}
    expect(channel).toEqual({
      address: 'shop.order.placed.v1',
      tags: [{ name: 'orders' }],
      bindings: { kafka: { topic: 'shop.order.placed.v1', bindingVersion: '0.5.0' } },
    })
    expect(messages?.['message']).toMatchObject({
      name: 'shop.order.placed.v1',
      summary: 'An order was placed.',
      description: 'Once for each order.',
      contentType: 'application/json',
      headers: {
        type: 'object',
        allOf: [{ $ref: '#/components/schemas/MessageHeaders' }],
        properties: { 'content-type': { const: 'application/json' }, ce_type: { const: 'shop.order.placed.v1' } },
      },
      bindings: {
        kafka: {
          key: {
            type: 'string',
            description:
              '`orderId` of the payload as text, unless its publisher chooses another. Messages of one key keep their order.',
          },
          bindingVersion: '0.5.0',
        },
      },
    })
  })

  it('has payloads as they are in JSON, each schema with a name once', () => {
    expect(document.channels['shop.order.placed.v1']?.messages['message']?.payload).toEqual({
      type: 'object',
      required: ['orderId', 'order', 'at', 'scan', 'total'],
      properties: {
        orderId: { type: 'string', format: 'uuid' },
        order: { $ref: '#/components/schemas/Order' },
        at: expect.objectContaining({ type: 'string', format: 'date-time' }) as object,
        scan: { type: 'string', format: 'byte', contentEncoding: 'base64' },
        total: expect.objectContaining({ type: 'string', format: 'int64' }) as object,
      },
    })
    expect(Object.keys(document.components.schemas)).toEqual(['DeadLetterHeaders', 'Item', 'MessageHeaders', 'Order'])
    // As draft 7 has a tuple.
    const { items, additionalItems } = (
      document.components.schemas['Item'] as { properties: { place: Record<string, unknown> } }
    ).properties.place
    expect(items).toMatchObject([{ type: 'integer' }, { type: 'string' }])
    expect(additionalItems).toEqual({ not: {} })
  })

  it('names what a schema library gives no name after its message', () => {
    const Part = z.object({
      id: z.string(),
      get parts() {
        return z.array(Part)
      },
    })
    const shipped = event('shop.order.shipped.v1', { key: 'id', payload: z.object({ id: z.string(), part: Part }) })
    expect(Object.keys(asyncapi(shipped).components.schemas)).toEqual(['MessageHeaders', 'ShopOrderShippedV1Part'])
  })

  it('receives commands and sends events', () => {
    expect(document.operations).toEqual({
      'send_shop.order.placed.v1': {
        action: 'send',
        channel: { $ref: '#/channels/shop.order.placed.v1' },
        messages: [{ $ref: '#/channels/shop.order.placed.v1/messages/message' }],
        summary: 'An order was placed.',
        tags: [{ name: 'orders' }],
      },
      'shop.order.v1.OrderService_place': expect.objectContaining({
        action: 'receive',
        'x-deprecated': true,
      }) as object,
      'shop.order.v1.OrderService_charge': expect.objectContaining({
        action: 'receive',
        tags: [{ name: 'money' }],
        bindings: { kafka: { groupId: { type: 'string', enum: ['billing'] }, bindingVersion: '0.5.0' } },
        description:
          'The group `billing` handles each message at least once, those of one key in their order. What it cannot handle goes to `shop.order.charge.v1.dlq.billing`.',
      }) as object,
      'send_shop.order.charge.v1.dlq.billing': expect.objectContaining({
        action: 'send',
        channel: { $ref: '#/channels/shop.order.charge.v1.dlq.billing' },
      }) as object,
    })
    expect(document.channels['shop.order.charge.v1.dlq.billing']).toMatchObject({
      description: 'What the group `billing` could not handle.',
      messages: { message: { headers: { allOf: [{ $ref: '#/components/schemas/DeadLetterHeaders' }] } } },
    })
  })

  it('tells what is deprecated and until when, and shows examples', () => {
    expect(document.channels['shop.order.place.v1']?.messages['message']).toMatchObject({
      description: 'Answers until 2027-01-01T00:00:00.000Z. What to use instead: <https://shop.example.com/place>.',
      examples: [{ name: 'empty', payload: { orderId: 'b2b1c0c0-0000-4000-8000-000000000000', items: [] } }],
      'x-deprecated': true,
    })
  })

  it('is named after the first contract, and lists the tags that are used', () => {
    expect(document.info).toEqual({
      title: 'OrderService',
      version: '1.0.0',
      tags: [{ name: 'OrderService' }, { name: 'money' }, { name: 'orders' }],
    })
  })

  it('is the same in whatever order its parts come, also when one comes twice', () => {
    const again = asyncapi([orders, placed, placed, orders])
    expect(JSON.stringify(again)).toBe(JSON.stringify(document))
  })
})

describe('the document of a service', () => {
  it('receives what its handlers handle, by group, and sends the rest', () => {
    const document = asyncapi([service(), orders, placed, cancelled], { formats: [protobuf] })
    expect(document.info).toMatchObject({ title: 'order', version: '2.0.0' })
    expect(Object.keys(document.operations)).toEqual([
      'receive_shop.order.placed.v1__count',
      'send_shop.order.cancelled.v1',
      'send_shop.order.charge.v1.dlq.billing',
      'send_shop.order.place.v1.dlq.order',
      'send_shop.order.placed.v1.dlq.count',
      'shop.order.v1.OrderService_charge',
      'shop.order.v1.OrderService_place',
    ])
    const groups = Object.values(document.operations).flatMap(({ bindings }) => bindings?.kafka.groupId['enum'] ?? [])
    expect(groups).toEqual(['count', 'billing', 'order'])
    expect(document.channels['shop.order.cancelled.v1']?.messages['message']).toMatchObject({
      contentType: 'application/protobuf',
      headers: { properties: { 'content-type': { const: 'application/protobuf' } } },
      'x-deprecated': true,
    })
  })

  it('has the headers that its messages inherit, and no others', () => {
    const inherits = (forwardMetadata?: readonly string[]) => {
      const { properties } =
        asyncapi([service(forwardMetadata), orders, placed]).components.schemas['MessageHeaders'] ?? {}
      return Object.keys(properties ?? {}).filter((name) => !/^(?:ce_|tenon-|content-type)/.test(name))
    }
    expect(inherits()).toEqual(['x-request-id', 'baggage', 'traceparent', 'tracestate', 'x-criticality', 'x-tenant-id'])
    expect(inherits(['x-shop', 'traceparent'])).toEqual(['x-request-id', 'traceparent', 'x-shop'])
  })

  it('sends what it receives too where that is said', () => {
    const { operations } = asyncapi([service(), orders, placed], { sends: [placed, orders.place] })
    const ofPlaced = Object.entries(operations).filter(([, { channel }]) => /placed?\.v1$/.test(channel.$ref))
    expect(ofPlaced.map(([id, { action }]) => [id, action])).toEqual([
      ['receive_shop.order.placed.v1__count', 'receive'],
      ['send_shop.order.placed.v1', 'send'],
      ['send_shop.order.v1.OrderService_place', 'send'],
      ['shop.order.v1.OrderService_place', 'receive'],
    ])
    expect(problemsOf([service(), orders, placed], { sends: [cancelled] })).toEqual([
      'asyncapi(): sends must name events and operations that are among the parts, found an object',
    ])
  })

  it('knows the older events that a consumer reads', () => {
    const newer = event('shop.order.placed.v2', {
      key: 'orderId',
      payload: Type.Object({ orderId: OrderId }),
      upcasts: [upcast(placed, ({ orderId }) => ({ orderId }))],
    })
    const consumer = defineConsumer(newer, () => async () => undefined)
    const reader = defineService({
      name: 'reader',
      version: '1.0.0',
      admin: false,
      handlers: [consumer],
      transports: () => [queueTransport({ driver: memoryDriver() })],
    })
    const { operations } = asyncapi([reader, newer])
    expect(Object.keys(operations)).toEqual([
      'receive_shop.order.placed.v1__reader',
      'receive_shop.order.placed.v2__reader',
      'send_shop.order.placed.v1.dlq.reader',
      'send_shop.order.placed.v2.dlq.reader',
    ])
  })

  it('asks for the events and contracts of what it consumes', () => {
    expect(problemsOf([service(), orders])).toEqual([
      'asyncapi(): service order consumes shop.order.placed.v1, whose event or contract is not there; give it beside the service',
    ])
  })
})

describe('options', () => {
  it('say where the brokers are and how clients show who they are, by name', () => {
    const document = asyncapi(placed, {
      title: 'Orders',
      version: '3.1.0',
      description: 'All of them.',
      license: { name: 'MIT' },
      contact: { name: 'The shop' },
      tags: [{ name: 'orders', description: 'What was bought.' }, { name: 'unused' }],
      servers: {
        test: { host: '127.0.0.1:9092' },
        live: { host: 'kafka.example.com:9093', protocol: 'kafka-secure', description: 'Live.', security: ['sasl'] },
      },
      securitySchemes: { sasl: { type: 'scramSha256', description: 'One user a service.' } },
    })
    expect(document.info).toEqual({
      title: 'Orders',
      version: '3.1.0',
      description: 'All of them.',
      contact: { name: 'The shop' },
      license: { name: 'MIT' },
      tags: [{ name: 'orders', description: 'What was bought.' }, { name: 'unused' }],
    })
    expect(document.servers).toEqual({
      live: {
        host: 'kafka.example.com:9093',
        protocol: 'kafka-secure',
        description: 'Live.',
        security: [{ $ref: '#/components/securitySchemes/sasl' }],
      },
      test: { host: '127.0.0.1:9092', protocol: 'kafka' },
    })
    expect(document.components.securitySchemes).toEqual({
      sasl: { type: 'scramSha256', description: 'One user a service.' },
    })
  })

  it('describe structured mode as the event around the payload', () => {
    const document = asyncapi([placed, cancelled], { mode: 'structured', formats: [protobuf] })
    const messageOf = (topic: string) => document.channels[topic]?.messages['message']
    const contentType = 'application/cloudevents+json; charset=UTF-8'
    expect(messageOf('shop.order.placed.v1')).toMatchObject({
      contentType,
      headers: { properties: { 'content-type': { const: contentType } } },
      payload: {
        properties: {
          type: { const: 'shop.order.placed.v1' },
          datacontenttype: { const: 'application/json' },
          data: { type: 'object', properties: { order: { $ref: '#/components/schemas/Order' } } },
        },
      },
    })
    expect(messageOf('shop.order.cancelled.v1')?.payload).toMatchObject({
      required: expect.arrayContaining(['data_base64']) as string[],
      properties: { datacontenttype: { const: 'application/protobuf' } },
    })
  })

  it('must have the formats that are declared', () => {
    expect(problemsOf(cancelled)).toEqual([
      'asyncapi(): topic shop.order.cancelled.v1 is written as protobuf; give that format among the formats, found json',
    ])
  })
})

it('refuses what it cannot describe, and two messages on one topic', () => {
  const twin = event('shop.order.placed.v1', { key: 'id', payload: Type.Object({ id: Type.String() }) })
  expect(problemsOf(['placed', undefined])).toHaveLength(2)
  expect(problemsOf([placed, twin])).toEqual([
    'asyncapi(): topic shop.order.placed.v1 is that of several events or commands; leave all but one out',
  ])
})
