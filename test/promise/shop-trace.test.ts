import { eventually } from '@tenon/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'
import { embedded, startShop } from './shop.ts'

test('an order of the shop is one trace, from the request over the other service to both databases and the event', async () => {
  for (const [name, value] of Object.entries(embedded)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
  await using shop = await startShop()
  const { userId } = await shop.users.createUser({ name: 'Ada', email: 'ada@example.com' })
  const { spans } = recordTelemetry()
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ userId, items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] })
  const reply = await fetch(`${shop.order.http}/v1/orders`, { method: 'POST', headers, body })
  expect(reply.status).toBe(201)
  const found = () => spans().map(({ kind, name, parent }) => `${kind} ${name} < ${parent}`)
  await eventually(() => expect(found()).toContainEqual('SERVER POST /v1/orders < undefined'))
  const getUser = 'shop.user.v1.UserService/GetUser'
  const logical = 'shop.user.v1.UserService/getUser'
  const request = 'POST /v1/orders'
  for (const one of [
    `INTERNAL ${logical} < ${request}`,
    `CLIENT ${getUser} < ${logical}`,
    `SERVER ${getUser} < ${getUser}`,
    `CLIENT SELECT users < ${getUser}`,
    `CLIENT INSERT orders < ${request}`,
    `PRODUCER send shop.order.placed.v1 < ${request}`,
  ])
    expect(found()).toContainEqual(one)
  expect(new Set(spans().map(({ traceId }) => traceId)).size).toBe(1)
})
