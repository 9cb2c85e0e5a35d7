import { contract, event, stream } from '@tenon/core/contract'
import { type Static, Type } from '@tenon/core/typebox'
import { nextPageToken, pageFields } from './page.ts'
import { visibleText } from './text.ts'

const OrderId = Type.String({ format: 'uuid' })
const UserId = Type.String({ format: 'uuid' })
const Moment = Type.String({ format: 'date-time' })

export type OrderItem = Static<typeof OrderItem>
export const OrderItem = Type.Object(
  {
    sku: Type.String({ maxLength: 64, pattern: visibleText }),
    quantity: Type.Integer({ minimum: 1, maximum: 1_000 }),
    unitPriceCents: Type.Integer({ minimum: 0, maximum: 100_000_000 }),
  },
  { title: 'OrderItem' },
)

const OrderItems = Type.Array(OrderItem, { minItems: 1, maxItems: 100 })

export type Order = Static<typeof Order>
export const Order = Type.Object(
  {
    orderId: OrderId,
    userId: UserId,
    items: OrderItems,
    totalCents: Type.Integer({ minimum: 0 }),
    status: Type.Enum(['placed', 'cancelled']),
    placedAt: Moment,
  },
  { title: 'Order' },
)

export const orders = contract(
  'shop.order.v1.OrderService',
  {
    /**
     * Over the queue this is a command, which is delivered at least once. One without an orderId places the order of its
     * message, known by `ce_source` and `ce_id`, so that it is placed once however often the message comes; without these
     * too it is refused (`invalid_argument`).
     */
    placeOrder: {
      summary: 'Places an order. The caller may choose the orderId: a repeated one answers with the first order.',
      input: Type.Object({ orderId: Type.Optional(OrderId), userId: UserId, items: OrderItems }),
      output: Order,
      errors: ['invalid_argument', 'failed_precondition'],
      http: { route: 'POST /v1/orders', status: 201 },
      // The key keeps the orders of one user in sequence.
      queue: { topic: 'shop.order.place.v1', key: 'userId' },
    },
    getOrder: {
      summary: 'One order by id.',
      input: Type.Object({ orderId: OrderId }),
      output: Order,
      errors: ['not_found'],
      http: 'GET /v1/orders/:orderId',
    },
    listOrders: {
      summary: 'All orders, or those of one user, oldest first, page by page.',
      input: Type.Object({ userId: Type.Optional(UserId), ...pageFields }),
      output: Type.Object({ orders: Type.Array(Order), nextPageToken }),
      errors: ['invalid_argument'],
      http: 'GET /v1/orders',
    },
    watchOrders: {
      summary: 'Every order that is placed or cancelled from now on, as it happens.',
      input: Type.Object({}),
      output: stream(Order),
      errors: ['resource_exhausted'],
      http: 'GET /v1/orders:watch',
    },
    cancelOrder: {
      summary: 'Cancels an order. Cancelling it again changes nothing and answers the same.',
      input: Type.Object({ orderId: OrderId }),
      output: Order,
      errors: ['not_found'],
      http: 'POST /v1/orders/:orderId:cancel',
      idempotency: 'idempotent',
    },
  },
  // Keeps the field numbers of gRPC; `npm run proto -w @shop/contracts` brings it up to date.
  { proto: new URL('./order.proto', import.meta.url) },
)

// Both events are keyed by the user, not by the order: consumers keep something per user (a count, a balance), and the
// key lets them see one user's orders in sequence and never two of them at once. Between the two topics there is no order.

export const orderPlaced = event('shop.order.placed.v1', {
  summary: 'An order was placed.',
  key: 'userId',
  payload: Type.Object({
    orderId: OrderId,
    userId: UserId,
    items: OrderItems,
    totalCents: Type.Integer({ minimum: 0 }),
    placedAt: Moment,
  }),
})

export const orderCancelled = event('shop.order.cancelled.v1', {
  summary: 'An order was cancelled.',
  key: 'userId',
  payload: Type.Object({ orderId: OrderId, userId: UserId, cancelledAt: Moment }),
})
