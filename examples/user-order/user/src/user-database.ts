import { openDatabase, sqliteFile } from '@shop/data'
import { token } from '@tenon/core'
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

export interface UserTables {
  readonly users: {
    readonly user_id: string
    readonly name: string
    readonly email: string
    readonly order_count: number
    /** ISO 8601 in UTC, so that text order is time order on both databases. */
    readonly created_at: string
  }
  /** The orders that `order_count` contains, so that one whose message comes twice counts once. */
  readonly counted_orders: {
    readonly order_id: string
    readonly user_id: string
  }
}

/** The tables of the user service; no other service reads or writes them. */
export const UserDatabase = token<Kysely<UserTables>>('UserDatabase')

export interface UserDatabaseSettings {
  readonly databaseUrl: string | undefined
  /** @defaultValue the example's own */
  readonly dataDir: string | undefined
}

export function openUserDatabase({ databaseUrl, dataDir }: UserDatabaseSettings): Promise<Kysely<UserTables>> {
  return openDatabase<UserTables>({
    url: databaseUrl,
    file: sqliteFile('user.db', dataDir),
    schema: 'shop_user',
    migrations: userMigrations,
  })
}

const userMigrations: Readonly<Record<string, Migration>> = {
  '0001_users': {
    up: async (database: Kysely<UserTables>) => {
      await database.schema
        .createTable('users')
        .addColumn('user_id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('order_count', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute()
      await database.schema.createIndex('users_email').unique().on('users').expression(sql`lower(email)`).execute()
      await database.schema.createIndex('users_place').on('users').columns(['created_at', 'user_id']).execute()
    },
  },
  '0002_counted_orders': {
    up: async (database: Kysely<UserTables>) => {
      await database.schema
        .createTable('counted_orders')
        .addColumn('order_id', 'text', (column) => column.primaryKey())
        .addColumn('user_id', 'text', (column) => column.notNull())
        .execute()
    },
  },
}
