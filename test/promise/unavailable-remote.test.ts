import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { startShop } from './shop.ts'

test('a call that needs a service which is down fails as unavailable, not as internal', async () => {
  await using shop = await startShop()
  const order = { userId: randomUUID(), items: [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }] }
  await expect(shop.orders.placeOrder(order)).rejects.toMatchObject({ code: 'failed_precondition' })
  await shop.user.started.stop()
  await expect(shop.orders.placeOrder(order)).rejects.toMatchObject({ code: 'unavailable' })
  const response = await fetch(`${shop.order.http}/v1/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'unavailable' })
})
