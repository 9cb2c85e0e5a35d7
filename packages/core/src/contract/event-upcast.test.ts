import Type from 'typebox'
import { expect, test } from 'vitest'
import { event } from './event.ts'
import { olderEvents, upcast } from './event-upcast.ts'

const payload = Type.Object({ orderId: Type.String() })
const spec = { key: 'orderId', payload } as const
const same = (older: { readonly orderId: string }) => older
const v1 = event('shop.order.placed.v1', spec)
const v2 = event('shop.order.placed.v2', { ...spec, upcasts: [upcast(v1, same)] })
const v3 = event('shop.order.placed.v3', { ...spec, upcasts: [upcast(v2, same)] })

const wayOf = (of: Parameters<typeof olderEvents>[0]) =>
  olderEvents(of).map(({ event: { topic }, steps }) => [topic, ...steps.map(({ into }) => into.topic)].join(' > '))

test('an event has none but those it names, frozen', () => {
  expect(v1.upcasts).toEqual([])
  expect(olderEvents(v1)).toEqual([])
  expect(v2.upcasts.map(({ from }) => from)).toEqual([v1])
  expect([v2.upcasts, v2.upcasts[0]].every(Object.isFrozen)).toBe(true)
})

test('those that the older ones name are read too, step by step', () => {
  expect(wayOf(v3)).toEqual([
    'shop.order.placed.v2 > shop.order.placed.v3',
    'shop.order.placed.v1 > shop.order.placed.v2 > shop.order.placed.v3',
  ])
})

test('a step of its own comes before a way through others', () => {
  const direct = event('shop.order.placed.v3', { ...spec, upcasts: [upcast(v2, same), upcast(v1, same)] })
  expect(wayOf(direct)).toEqual([
    'shop.order.placed.v2 > shop.order.placed.v3',
    'shop.order.placed.v1 > shop.order.placed.v3',
  ])
})

test('an event that older ones lead back to is not its own older one', () => {
  const back = event('shop.order.placed.v1', { ...spec, upcasts: [upcast(v2, same)] })
  expect(wayOf(back)).toEqual(['shop.order.placed.v2 > shop.order.placed.v1'])
})

test.each<[upcasts: unknown, message: string]>([
  ['v1', 'event shop.order.placed.v2: upcasts must be a list of upcast(…)'],
  [[v1], 'event shop.order.placed.v2: upcasts[0] must be an upcast(event, convert)'],
  [[upcast(v1, same), null], 'event shop.order.placed.v2: upcasts[1] must be an upcast(event, convert)'],
  [[{ from: v1, convert: 'same' }], 'event shop.order.placed.v2: upcasts[0] must be an upcast(event, convert)'],
  [[upcast(v2, same)], 'event shop.order.placed.v2: upcasts[0] must be from another event than itself'],
  [[upcast(v1, same), upcast(v1, same)], 'event shop.order.placed.v2: upcasts has shop.order.placed.v1 twice'],
])('%j is refused', (upcasts, message) => {
  expect(() => event('shop.order.placed.v2', { ...spec, upcasts: upcasts as never })).toThrow(message)
})
