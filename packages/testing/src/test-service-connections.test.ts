import { defineConsumer, defineService, inject, Publisher } from '@tenon/core'
import { event } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { memoryBroker, memoryDriver, queueTransport } from '@tenon/transport-queue'
import { expect, test } from 'vitest'
import { testService } from './test-service.ts'

const payload = Type.Object({ orderId: Type.String() })
const placed = event('shop.order.placed.v1', { key: 'orderId', payload })
const paid = event('shop.payment.paid.v1', { key: 'orderId', payload })

/** A service that answers an order with a payment, each on a broker of its own. */
function shop() {
  const seen: string[] = []
  const brokers = { orders: memoryBroker(), payments: memoryBroker() }
  const service = defineService({
    name: 'shop',
    version: '1.0.0',
    handlers: [
      defineConsumer(placed, () => {
        const publisher = inject(Publisher)
        return async (order, { transport }) => {
          seen.push(`placed over ${transport}`)
          await publisher.publish(paid, order)
        }
      }),
      defineConsumer(
        paid,
        () =>
          async (_order, { transport }) =>
            void seen.push(`paid over ${transport}`),
      ),
    ],
    transports: () => [
      queueTransport({ name: 'orders', topics: [placed], driver: memoryDriver({ broker: brokers.orders }) }),
      queueTransport({ name: 'payments', topics: [paid], driver: memoryDriver({ broker: brokers.payments }) }),
    ],
  })
  return { service, seen, brokers }
}

test('connections of a service keep apart what each of them carries, and what is published is listed once', async () => {
  const { service, seen, brokers } = shop()
  await using tested = await testService(service, { transports: 'own' })
  const value = Buffer.from('{"orderId":"1"}')
  const message = { topic: placed.topic, key: Buffer.from('1'), value, headers: [] }
  await memoryDriver({ broker: brokers.orders }).produce([message], { timeoutMs: 1 })
  await tested.eventually(() => expect(seen).toEqual(['placed over orders', 'paid over payments']))
  expect(tested.published(paid)).toMatchObject([{ key: '1', payload: { orderId: '1' } }])
  expect(brokers.orders.records(paid.topic)).toEqual([])
})

test('a service with several connections needs none of them in memory', async () => {
  const { service } = shop()
  await using tested = await testService(service)
  await tested.publish(placed, { orderId: '1' })
  expect(tested.published(paid)).toMatchObject([{ payload: { orderId: '1' } }])
})
