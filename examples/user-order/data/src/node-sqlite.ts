import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { SqliteDatabase } from 'kysely'

/** How long a statement waits for another process that writes to the same file. */
const busyTimeoutMs = 5_000

/** Opens a file, or `:memory:`, with Node's own SQLite, in the form that Kysely's `SqliteDialect` expects. */
export function openNodeSqlite(file: string): SqliteDatabase {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { timeout: busyTimeoutMs })
  // Readers do not wait for the writer, and a commit survives the end of the process.
  database.exec('pragma journal_mode = wal; pragma synchronous = normal')
  return {
    close: () => database.close(),
    prepare: (sql) => {
      const statement = database.prepare(sql)
      return {
        // A statement with columns answers with rows: a select, or a write with `returning`.
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...bound(parameters)),
        run: (parameters) => statement.run(...bound(parameters)),
        iterate: (parameters) => statement.iterate(...bound(parameters)),
      }
    },
  }
}

/** SQLite itself refuses a value it cannot bind. */
function bound(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[]
}
