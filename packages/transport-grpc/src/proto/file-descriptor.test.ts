import { createFileRegistry, ScalarType } from '@bufbuild/protobuf'
import { type Contract, contract, contractInfo, stream } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { toFileDescriptor } from './file-descriptor.ts'
import { healthDescriptor } from './health-descriptor.ts'
import { toServiceShape } from './service-shape.ts'

const shop = contract('demo.shop.v1.ShopService', {
  placeOrder: {
    input: Type.Object({
      userId: Type.String(),
      note: Type.Optional(Type.String()),
      state: Type.Union([Type.Literal('open'), Type.Literal('done')]),
      items: Type.Array(Type.Object({ sku: Type.String(), amounts: Type.Array(Type.Integer()) })),
      prices: Type.Record(Type.String(), Type.Object({ cents: Type.Integer() })),
    }),
    output: Type.Object({}),
  },
  watchOrders: { input: Type.Object({}), output: stream(Type.Object({ orderId: Type.String() })) },
  importOrders: { input: stream(Type.Object({ orderId: Type.String() })), output: Type.Object({}) },
  syncOrders: { input: stream(Type.Object({})), output: stream(Type.Object({ orderId: Type.String() })) },
})

const file = toFileDescriptor(toServiceShape(contractInfo(shop as Contract)))
const registry = createFileRegistry(file, () => undefined)

test('the descriptor is one that the protobuf library accepts', () => {
  expect(file.name).toBe('demo/shop/v1/shop_service.proto')
  const methods = registry.getService('demo.shop.v1.ShopService')?.methods ?? []
  expect(methods.map(({ name, methodKind, input, output }) => [name, methodKind, input.name, output.name])).toEqual([
    ['PlaceOrder', 'unary', 'PlaceOrderRequest', 'PlaceOrderResponse'],
    ['WatchOrders', 'server_streaming', 'WatchOrdersRequest', 'WatchOrdersResponse'],
    ['ImportOrders', 'client_streaming', 'ImportOrdersRequest', 'ImportOrdersResponse'],
    ['SyncOrders', 'bidi_streaming', 'SyncOrdersRequest', 'SyncOrdersResponse'],
  ])
})

test('fields keep their JSON names, and the absence of scalars and enums is seen', () => {
  const fields = registry.getMessage('demo.shop.v1.PlaceOrderRequest')?.fields ?? []
  expect(fields.map(({ name, jsonName, proto }) => [name, jsonName, proto.proto3Optional])).toEqual([
    ['user_id', 'userId', true],
    ['note', 'note', true],
    ['state', 'state', true],
    ['items', 'items', false],
    ['prices', 'prices', false],
  ])
})

test('lists, maps and nested messages are what they are in a .proto file', () => {
  const fields = registry.getMessage('demo.shop.v1.PlaceOrderRequest')?.field
  expect(fields?.['items']).toMatchObject({ fieldKind: 'list', listKind: 'message' })
  expect(fields?.['prices']).toMatchObject({ fieldKind: 'map', mapKey: ScalarType.STRING, mapKind: 'message' })
  const item = registry.getMessage('demo.shop.v1.PlaceOrderRequest.Items')
  expect(item?.field['amounts']).toMatchObject({ fieldKind: 'list', scalar: ScalarType.INT64, packed: true })
})

test('the descriptor of the health service is accepted too', () => {
  const service = createFileRegistry(healthDescriptor(), () => undefined).getService('grpc.health.v1.Health')
  expect(service?.methods.map(({ name }) => name)).toEqual(['Check', 'List', 'Watch'])
})
