import { randomUUID } from 'node:crypto'
import { orderCancelled, orderPlaced, orders, users } from '@shop/contracts'
import { firstPlace, readPageToken, writePageToken } from '@shop/data'
import {
  type Call,
  clientOf,
  cron,
  fault,
  Handles,
  Implements,
  type Input,
  inject,
  type Output,
  Publisher,
  Runs,
  type ScheduledRun,
  ServiceError,
} from '@tenon/core'
import { commandOrderId } from './command-order-id.ts'
import { OrderStore } from './order-store.ts'

@Handles(orders)
export class OrderHandler {
  readonly #store = inject(OrderStore)
  readonly #users = inject(clientOf(users))
  readonly #publisher = inject(Publisher)

  @Implements(orders.placeOrder)
  async placeOrder(
    { orderId: given, userId, items }: Input<typeof orders.placeOrder>,
    call: Call,
  ): Promise<Output<typeof orders.placeOrder>> {
    // A message is delivered at least once, so what it places has an id that does not change from time to time.
    const orderId = given ?? (call.transport === 'queue' ? commandOrderId(call) : undefined)
    const first = orderId === undefined ? undefined : await this.#store.find(orderId, call.signal)
    if (first === undefined) await this.#requireUser(userId)
    const order = first ?? (await this.#store.place({ orderId: orderId ?? randomUUID(), userId, items }))
    // Commit and publish are two writes, and whoever repeats a call may do so because only the first one was done. So it
    // is published again; consumers know an order by its id.
    await this.#publisher.publish(orderPlaced, order)
    return order
  }

  @Implements(orders.getOrder)
  async getOrder(
    { orderId }: Input<typeof orders.getOrder>,
    { signal }: Call,
  ): Promise<Output<typeof orders.getOrder>> {
    const order = await this.#store.find(orderId, signal)
    if (order === undefined) throw fault(orders.getOrder, 'not_found', `order ${orderId} does not exist`)
    return order
  }

  @Implements(orders.listOrders)
  async listOrders(
    { userId, pageSize = 20, pageToken }: Input<typeof orders.listOrders>,
    { signal }: Call,
  ): Promise<Output<typeof orders.listOrders>> {
    const after = pageToken === undefined ? firstPlace : readPageToken(pageToken)
    if (after === undefined) throw malformedPageToken()
    const { orders: page, next } = await this.#store.list({ userId, pageSize, after }, signal)
    return { orders: page, ...(next ? { nextPageToken: writePageToken(next) } : {}) }
  }

  @Implements(orders.watchOrders)
  watchOrders(_input: Input<typeof orders.watchOrders>, call: Call): AsyncIterable<Output<typeof orders.watchOrders>> {
    // A watch has no end of its own: when this instance drains it ends, and its reader turns to another one.
    return this.#store.changes(AbortSignal.any([call.signal, call.draining]))
  }

  @Implements(orders.cancelOrder)
  async cancelOrder({ orderId }: Input<typeof orders.cancelOrder>): Promise<Output<typeof orders.cancelOrder>> {
    const order = await this.#store.cancel(orderId)
    if (order === undefined) throw fault(orders.cancelOrder, 'not_found', `order ${orderId} does not exist`)
    const cancelledAt = new Date().toISOString()
    await this.#publisher.publish(orderCancelled, { orderId, userId: order.userId, cancelledAt })
    return order
  }

  /** Every instance does so; that others do it too costs nothing but a look. */
  @Runs('forget-cancelled-orders', cron('30 3 * * *', { jitterMs: 60_000 }))
  async forgetCancelled({ dueAt }: ScheduledRun, { signal, log }: Call): Promise<void> {
    const orderCount = await this.#store.forgetCancelled(new Date(dueAt - keptMs), signal)
    log.info({ orderCount }, 'cancelled orders were forgotten')
  }

  /** A user who does not exist is our caller's mistake; anything else that goes wrong over there is not. */
  async #requireUser(userId: string): Promise<void> {
    try {
      await this.#users.getUser({ userId })
    } catch (cause) {
      if (!ServiceError.is(cause) || cause.code !== 'not_found') throw cause
      const message = `user ${userId} does not exist`
      throw fault(orders.placeOrder, 'failed_precondition', { message, reason: 'unknown_user', cause })
    }
  }
}

/** How long a cancelled order can be found: 90 days. */
const keptMs = 90 * 86_400_000

function malformedPageToken(): ServiceError {
  const message = 'must be the nextPageToken of another page'
  return fault(orders.listOrders, 'invalid_argument', {
    message: `/pageToken ${message}`,
    details: { violations: [{ field: '/pageToken', message, rule: 'custom' }] },
  })
}
