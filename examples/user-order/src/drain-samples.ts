import { randomUUID } from 'node:crypto'
import { orderPlaced, orders, users } from '@shop/contracts'

// What `npm run verify:drain` sends: orders of users that are there, and questions about both. Everything else is made from the schemas.
const items = [{ sku: 'tea', quantity: 2, unitPriceCents: 350 }]

/** What `tenon verify drain` gives each of them. */
interface Context {
  readonly latest: (operation: string) => unknown
}

const userId = ({ latest }: Context) => field(latest(users.createUser.id), 'userId')
const orderId = ({ latest }: Context) => field(latest(orders.placeOrder.id), 'orderId')

const samples = {
  [users.getUser.id]: (context: Context) => ({ userId: userId(context) }),
  [orders.placeOrder.id]: (context: Context) => ({ userId: userId(context), items }),
  [orders.getOrder.id]: (context: Context) => ({ orderId: orderId(context) }),
  [orders.cancelOrder.id]: (context: Context) => ({ orderId: orderId(context) }),
  [orderPlaced.topic]: (context: Context) => ({
    orderId: randomUUID(),
    userId: userId(context),
    items,
    totalCents: 700,
    placedAt: new Date().toISOString(),
  }),
}

export default samples

function field(output: unknown, name: string): unknown {
  return Reflect.get(Object(output), name)
}
