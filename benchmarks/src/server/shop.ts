import { defineHandler } from '@tenon/core'
import { contract } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { findUser, placeOrder } from './shop-work.ts'

const Item = Type.Object({
  sku: Type.String({ minLength: 1 }),
  quantity: Type.Integer({ minimum: 1, maximum: 1_000 }),
  unitPriceCents: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
})

/** The two operations that every program under measurement serves. */
export const shop = contract('bench.v1.ShopService', {
  getUser: {
    input: Type.Object({ userId: Type.String() }),
    output: Type.Object({
      userId: Type.String(),
      name: Type.String(),
      email: Type.String(),
      roles: Type.Array(Type.String()),
    }),
    http: 'GET /users/:userId',
  },
  placeOrder: {
    input: Type.Object({ userId: Type.String(), items: Type.Array(Item, { minItems: 1 }) }),
    output: Type.Object({
      orderId: Type.String(),
      userId: Type.String(),
      items: Type.Array(Item),
      totalCents: Type.Integer(),
      status: Type.String(),
    }),
    http: { route: 'POST /orders', status: 201 },
  },
})

/** The same work as a Tenon handler. */
export const shopHandler = defineHandler(shop, () => ({
  getUser: async ({ userId }) => findUser(userId),
  placeOrder: async (order) => placeOrder(order),
}))
