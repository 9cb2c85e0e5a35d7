import { observedDialect } from '@tenon/kysely'
import { Kysely, PostgresDialect, sql, SqliteDialect } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { Pool } from 'pg'
import { openNodeSqlite } from './node-sqlite.ts'

export interface DatabaseOptions {
  /** `postgres://…`; undefined for the embedded SQLite file. */
  readonly url: string | undefined
  /** The SQLite file, or `:memory:`. */
  readonly file: string
  /** The PostgreSQL schema that belongs to the service: services may share a server, never a table. */
  readonly schema: string
  /** What makes and changes the tables, by name. Migrations run in the order of their names, each once. */
  readonly migrations: Readonly<Record<string, Migration>>
}

/**
 * Opens the database of one service, PostgreSQL where there is a URL, else SQLite in a file, and brings its tables up to
 * date. Instances may start side by side on PostgreSQL: the second waits for the first one's migrations.
 */
export async function openDatabase<Tables>(options: DatabaseOptions): Promise<Kysely<Tables>> {
  const database = connect<Tables>(options)
  try {
    await migrate(database, options)
    return database
  } catch (error) {
    await database.destroy()
    throw error
  }
}

/** Rejects when the database does not answer; a check for readiness. */
export async function ping<Tables>(database: Kysely<Tables>, signal: AbortSignal): Promise<void> {
  await sql`select 1`.execute(database, { signal })
}

/** How long a query may wait for a connection before it fails. */
const connectionTimeoutMs = 5_000

function connect<Tables>({ url, file, schema }: DatabaseOptions): Kysely<Tables> {
  if (url === undefined) {
    const dialect = new SqliteDialect({ database: openNodeSqlite(file) })
    return new Kysely<Tables>({ dialect: observedDialect(dialect, { system: 'sqlite' }) })
  }
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: connectionTimeoutMs })
  // The pool replaces an idle connection that breaks. Without a listener it would end the process.
  pool.on('error', () => undefined)
  // So would one that breaks between two statements of a transaction, which is nobody's to hear then: the next statement fails.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const { host: address, pathname } = new URL(url)
  const place = { system: 'postgresql', address, namespace: pathname.slice(1) } as const
  return new Kysely<Tables>({ dialect: observedDialect(new PostgresDialect({ pool }), place) }).withSchema(schema)
}

async function migrate<Tables>(database: Kysely<Tables>, { url, schema, migrations }: DatabaseOptions): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...migrations }) },
    ...(url === undefined ? {} : { migrationTableSchema: schema }),
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  const reason = error instanceof Error ? error.message : 'no reason given'
  throw new Error(`the tables of ${schema} could not be brought up to date: ${reason}`, { cause: error })
}
