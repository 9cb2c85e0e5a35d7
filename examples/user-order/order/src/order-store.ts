import type { Order, OrderItem } from '@shop/contracts'
import { ChangeFeed, type Place, sameId } from '@shop/data'
import type { Kysely, Selectable } from 'kysely'
import type { OrderTables } from './order-database.ts'

export type NewOrder = Pick<Order, 'orderId' | 'userId' | 'items'>

export interface OrderQuery {
  readonly userId: string | undefined
  readonly pageSize: number
  readonly after: Place
}

/** One page of a list, and where the next one begins; `next` is undefined on the last page. */
export interface OrderPage {
  readonly orders: Order[]
  readonly next: Place | undefined
}

/** Keeps orders. Every change is announced once it is committed. */
export class OrderStore {
  readonly #database: Kysely<OrderTables>
  readonly #changes = new ChangeFeed<Order>()

  constructor(database: Kysely<OrderTables>) {
    this.#database = database
  }

  /** Places the order, or finds the one that has its id already. */
  async place({ orderId, userId, items }: NewOrder): Promise<Order> {
    // The primary key decides: asking first would let two callers with one orderId in at once.
    const row = await this.#database
      .insertInto('orders')
      .values({
        order_id: sameId(orderId),
        user_id: sameId(userId),
        items: JSON.stringify(items),
        status: 'placed',
        placed_at: new Date().toISOString(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row) return this.#changed(row)
    return toOrder(await this.#select(orderId).executeTakeFirstOrThrow())
  }

  /** Cancels the order; undefined when there is none. */
  async cancel(orderId: string): Promise<Order | undefined> {
    const row = await this.#database
      .updateTable('orders')
      .set({ status: 'cancelled' })
      .where('order_id', '=', sameId(orderId))
      .where('status', '=', 'placed')
      .returningAll()
      .executeTakeFirst()
    if (row) return this.#changed(row)
    const cancelled = await this.#select(orderId).executeTakeFirst()
    return cancelled && toOrder(cancelled)
  }

  /** Removes the orders that were cancelled, of those that were placed before a moment; tells how many. */
  async forgetCancelled(placedBefore: Date, signal: AbortSignal): Promise<number> {
    const { numDeletedRows } = await this.#database
      .deleteFrom('orders')
      .where('status', '=', 'cancelled')
      .where('placed_at', '<', placedBefore.toISOString())
      .executeTakeFirstOrThrow({ signal })
    return Number(numDeletedRows)
  }

  async find(orderId: string, signal: AbortSignal): Promise<Order | undefined> {
    const row = await this.#select(orderId).executeTakeFirst({ signal })
    return row && toOrder(row)
  }

  /** The orders after a place, of one user or of all, oldest first. */
  async list({ userId, pageSize, after }: OrderQuery, signal: AbortSignal): Promise<OrderPage> {
    const rows = await this.#database
      .selectFrom('orders')
      .selectAll()
      .$if(userId !== undefined, (query) => query.where('user_id', '=', sameId(userId ?? '')))
      .where(({ eb, refTuple, tuple }) => eb(refTuple('placed_at', 'order_id'), '>', tuple(...after)))
      .orderBy('placed_at')
      .orderBy('order_id')
      // One more than the page holds tells whether there is another page.
      .limit(pageSize + 1)
      .execute({ signal })
    const page = rows.slice(0, pageSize)
    const last = rows.length > pageSize ? page.at(-1) : undefined
    return { orders: page.map(toOrder), next: last && [last.placed_at, last.order_id] }
  }

  /** Orders as they are placed or cancelled, from now on until the signal fires. */
  changes(signal: AbortSignal): AsyncIterable<Order> {
    return this.#changes.watch(signal)
  }

  #select(orderId: string) {
    return this.#database.selectFrom('orders').selectAll().where('order_id', '=', sameId(orderId))
  }

  #changed(row: OrderRow): Order {
    const order = toOrder(row)
    this.#changes.announce(order)
    return order
  }
}

type OrderRow = Selectable<OrderTables['orders']>

function toOrder(row: OrderRow): Order {
  const items = JSON.parse(row.items) as OrderItem[]
  return {
    orderId: row.order_id,
    userId: row.user_id,
    items,
    totalCents: items.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0),
    status: row.status,
    placedAt: row.placed_at,
  }
}
