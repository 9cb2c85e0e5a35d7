import Type from 'typebox'
import { event } from './event.ts'
import { upcast } from './event-upcast.ts'

const v1 = event('shop.order.placed.v1', { key: 'orderId', payload: Type.Object({ orderId: Type.String() }) })
const payload = Type.Object({
  orderId: Type.String(),
  currency: Type.Union([Type.Literal('EUR'), Type.Literal('USD')]),
})

event('shop.order.placed.v2', {
  key: 'orderId',
  payload,
  upcasts: [upcast(v1, ({ orderId }) => ({ orderId, currency: 'EUR' as const }))],
})

event('shop.order.placed.v2', {
  key: 'orderId',
  payload,
  // @ts-expect-error a field of the newer payload is missing
  upcasts: [upcast(v1, ({ orderId }) => ({ orderId }))],
})

event('shop.order.placed.v2', {
  key: 'orderId',
  payload,
  // @ts-expect-error the older payload has no such field
  upcasts: [upcast(v1, ({ orderId, amount }) => ({ orderId, currency: amount }))],
})

event('shop.order.placed.v2', {
  key: 'orderId',
  payload,
  // @ts-expect-error an upcast does not wait
  upcasts: [upcast(v1, async ({ orderId }) => ({ orderId, currency: 'EUR' as const }))],
})
