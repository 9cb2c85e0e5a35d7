import { metrics } from '@opentelemetry/api'
import { expect, it } from 'vitest'
import { type ActiveCalls, countActive } from './active-calls.ts'
import { recordTelemetry } from './recorded.test-harness.ts'

const metric = 'tenon.server.active_calls'
const ofTopic = (topic: string): ActiveCalls => ({
  metric,
  attributes: { 'tenon.call.transport': 'queue', 'tenon.call.operation': topic },
})
const [orders, sameOrders, users] = [ofTopic('orders'), ofTopic('orders'), ofTopic('users')] as const

it('tells how many calls run when the SDK asks, those of the same attributes together', async () => {
  const { points } = recordTelemetry()
  for (const active of [orders, sameOrders, users]) countActive(active, 1)
  const { attributes } = orders
  expect(await points(metric)).toEqual([
    { value: 2, attributes },
    { value: 1, attributes: users.attributes },
  ])
  countActive(sameOrders, -1)
  countActive(users, -1)
  expect(await points(metric)).toEqual([
    { value: 1, attributes },
    { value: 0, attributes: users.attributes },
  ])
  countActive(orders, -1)
})

it('tells another SDK of what still runs and of what comes, and not of what has been', async () => {
  const first = recordTelemetry()
  countActive(orders, 1)
  countActive(users, 1)
  countActive(users, -1)
  metrics.disable()
  const { points } = recordTelemetry()
  countActive(sameOrders, 1)
  expect(await points(metric)).toEqual([{ value: 2, attributes: orders.attributes }])
  countActive(orders, -1)
  countActive(sameOrders, -1)
  expect(await points(metric)).toEqual([{ value: 0, attributes: orders.attributes }])
  expect(await first.points(metric)).toEqual([])
})
