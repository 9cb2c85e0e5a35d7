import type { Order } from '@shop/contracts'
import { openDatabase, sqliteFile } from '@shop/data'
import { token } from '@tenon/core'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export interface OrderTables {
  readonly orders: {
    readonly order_id: string
    readonly user_id: string
    /** The items as JSON: they are written once and read with their order, never alone. */
    readonly items: string
    readonly status: Order['status']
    /** ISO 8601 in UTC, so that text order is time order on both databases. */
    readonly placed_at: string
  }
}

/** The tables of the order service; no other service reads or writes them. */
export const OrderDatabase = token<Kysely<OrderTables>>('OrderDatabase')

export interface OrderDatabaseSettings {
  readonly databaseUrl: string | undefined
  /** @defaultValue the example's own */
  readonly dataDir: string | undefined
}

export function openOrderDatabase({ databaseUrl, dataDir }: OrderDatabaseSettings): Promise<Kysely<OrderTables>> {
  return openDatabase<OrderTables>({
    url: databaseUrl,
    file: sqliteFile('order.db', dataDir),
    schema: 'shop_order',
    migrations: orderMigrations,
  })
}

const orderMigrations: Readonly<Record<string, Migration>> = {
  '0001_orders': {
    up: async (database: Kysely<OrderTables>) => {
      await database.schema
        .createTable('orders')
        .addColumn('order_id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .addColumn('items', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('placed_at', 'text', (column) => column.notNull())
        .execute()
      await database.schema.createIndex('orders_place').on('orders').columns(['placed_at', 'order_id']).execute()
      await database.schema
        .createIndex('orders_user_place')
        .on('orders')
        .columns(['user_id', 'placed_at', 'order_id'])
        .execute()
    },
  },
}
