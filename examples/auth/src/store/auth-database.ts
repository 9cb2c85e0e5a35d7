import { openDatabase, sqliteFile } from '@shop/data'
import { token } from '@tenon/core'
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { fileURLToPath } from 'node:url'

export interface AuthTables {
  readonly users: {
    readonly user_id: string
    /** In lower case. */
    readonly email: string
    readonly password_hash: string
  }
  /** Accounts that are not confirmed yet. */
  readonly registrations: {
    readonly code_hash: string
    readonly email: string
    readonly password_hash: string
    readonly expires_at: number
  }
  /** One row a login: the newest of its refresh tokens. Moments are epoch milliseconds, as doubles: pg reads a bigint as text. */
  readonly refresh_families: {
    readonly family_id: string
    readonly subject: string
    readonly token_hash: string
    readonly expires_at: number
    readonly ends_at: number
  }
  readonly signing_keys: {
    readonly key_id: string
    readonly created_at: number
    /** The private key as JSON: who reads this table can make tokens. */
    readonly private_key: string
  }
}

export const AuthDatabase = token<Kysely<AuthTables>>('AuthDatabase')

export interface AuthDatabaseSettings {
  readonly databaseUrl: string | undefined
  /** @defaultValue `.data` in the example's folder */
  readonly dataDir: string | undefined
}

export function openAuthDatabase({
  databaseUrl,
  dataDir = ownDataDir,
}: AuthDatabaseSettings): Promise<Kysely<AuthTables>> {
  return openDatabase<AuthTables>({
    url: databaseUrl,
    file: sqliteFile('auth.db', dataDir),
    schema: 'auth',
    migrations,
  })
}

/** Where the SQLite file and the letters are, unless `DATA_DIR` says otherwise. */
export const ownDataDir = fileURLToPath(new URL('../../.data', import.meta.url))

const migrations: Readonly<Record<string, Migration>> = {
  '0001_users': {
    up: async (database: Kysely<AuthTables>) => {
      await database.schema
        .createTable('users')
        .addColumn('user_id', 'text', (column) => column.primaryKey())
        .addColumn('email', 'text', (column) => column.notNull().unique())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .execute()
      await database.schema
        .createTable('registrations')
        .addColumn('code_hash', 'text', (column) => column.primaryKey())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'double precision', (column) => column.notNull())
        .execute()
    },
  },
  '0002_tokens': {
    up: async (database: Kysely<AuthTables>) => {
      await database.schema
        .createTable('refresh_families')
        .addColumn('family_id', 'text', (column) => column.primaryKey())
        .addColumn('subject', 'text', (column) => column.notNull())
        .addColumn('token_hash', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'double precision', (column) => column.notNull())
        .addColumn('ends_at', 'double precision', (column) => column.notNull())
        .execute()
      await database.schema.createIndex('refresh_families_end').on('refresh_families').column('expires_at').execute()
      await database.schema
        .createTable('signing_keys')
        .addColumn('key_id', 'text', (column) => column.primaryKey())
        .addColumn('created_at', 'double precision', (column) => column.notNull())
        .addColumn('private_key', 'text', (column) => column.notNull())
        .execute()
    },
  },
}
