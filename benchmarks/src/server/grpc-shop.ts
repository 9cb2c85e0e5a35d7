import { defineHandler } from '@tenon/core'
import { contract, stream } from '@tenon/core/contract'
import { Type } from '@tenon/core/typebox'
import { listItems } from './item-work.ts'
import { findUser, placeOrder } from './shop-work.ts'

const Item = Type.Object({
  sku: Type.String({ minLength: 1, maxLength: 32 }),
  name: Type.String({ minLength: 1 }),
  quantity: Type.Integer({ minimum: 1, maximum: 1_000 }),
  unitPriceCents: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
  labels: Type.Array(Type.String()),
})

/** What every gRPC program under measurement serves: a small call, a large one with nested items, and a stream. */
const grpcShop = contract('bench.v1.ShopService', {
  getUser: {
    input: Type.Object({ userId: Type.String() }),
    output: Type.Object({
      userId: Type.String(),
      name: Type.String(),
      email: Type.String(),
      roles: Type.Array(Type.String()),
    }),
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
  },
  listItems: {
    input: Type.Object({ count: Type.Integer({ minimum: 0, maximum: 1_000_000 }) }),
    output: stream(Item),
  },
})

/** The same work as the others do, as a Tenon handler. */
export const grpcShopHandler = defineHandler(grpcShop, () => ({
  getUser: async ({ userId }) => findUser(userId),
  placeOrder: async (order) => placeOrder(order),
  async *listItems({ count }) {
    yield* listItems(count)
  },
}))
