import type * as Sqlite from 'node:sqlite'

/** A prepared statement whose rows are what its text selects. */
export interface SqliteStatement<Row> {
  all(...values: readonly SqliteValue[]): readonly Row[]
  get(...values: readonly SqliteValue[]): Row | undefined
  /** Rows one by one; leaving the loop ends the statement. */
  each(...values: readonly SqliteValue[]): Iterable<Row>
  /** How many rows were changed. */
  run(...values: readonly SqliteValue[]): number
}

export type SqliteValue = Sqlite.SQLInputValue

/** A connection to the file. Everything it does blocks, and nothing it does waits: a locked file is an error at once. */
export interface SqliteDatabase {
  statement<Row>(sql: string): SqliteStatement<Row>
  execute(sql: string): void
  /** Whether a transaction is under way. */
  readonly isWriting: boolean
  /** Runs the work alone in the file, and stores all of it or nothing. @throws what the work throws, and SQLite's errors */
  transaction<T>(work: () => T): T
  /** Another number whenever another connection has changed the file. */
  dataVersion(): number
  close(): void
}

/** @throws SQLite's error, such as for a file that cannot be opened */
export function openDatabase(path: string): SqliteDatabase {
  const { DatabaseSync } = loadSqlite()
  return new Connection(new DatabaseSync(path, { timeout: 0 }))
}

/**
 * Node's own SQLite.
 *
 * Node 22 and 24 call it experimental when it is first loaded. Whoever chose this driver can do nothing about that, so this
 * one warning is left out; every other goes its way.
 */
function loadSqlite(): typeof Sqlite {
  const emit = process.emitWarning
  const quiet = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith('SQLite is an experimental feature')) return
    Reflect.apply(emit, process, [warning, ...rest])
  }
  process.emitWarning = quiet
  try {
    const sqlite: typeof Sqlite | undefined = process.getBuiltinModule('node:sqlite')
    if (sqlite === undefined)
      throw new Error(`Node ${process.versions.node} has no node:sqlite, expected 22.19 or later`)
    return sqlite
  } finally {
    process.emitWarning = emit
  }
}

class Connection implements SqliteDatabase {
  readonly #database: Sqlite.DatabaseSync
  readonly #statements = new Map<string, Statement<unknown>>()

  constructor(database: Sqlite.DatabaseSync) {
    this.#database = database
  }

  get isWriting(): boolean {
    return this.#database.isTransaction
  }

  statement<Row>(sql: string): SqliteStatement<Row> {
    const known = this.#statements.get(sql)
    const statement = known ?? new Statement<unknown>(this.#database.prepare(sql))
    this.#statements.set(sql, statement)
    // What a statement selects is known where its text is written.
    return statement as Statement<Row>
  }

  execute(sql: string): void {
    this.#database.exec(sql)
  }

  transaction<T>(work: () => T): T {
    this.statement('BEGIN IMMEDIATE').run()
    try {
      const result = work()
      this.statement('COMMIT').run()
      return result
    } catch (error) {
      // Some errors have ended the transaction already.
      if (this.#database.isTransaction) this.statement('ROLLBACK').run()
      throw error
    }
  }

  dataVersion(): number {
    return this.statement<{ readonly data_version: number }>('PRAGMA data_version').get()?.data_version ?? 0
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }
}

class Statement<Row> implements SqliteStatement<Row> {
  readonly #statement: Sqlite.StatementSync

  constructor(statement: Sqlite.StatementSync) {
    this.#statement = statement
  }

  all(...values: readonly SqliteValue[]): readonly Row[] {
    return this.#statement.all(...values) as Row[]
  }

  get(...values: readonly SqliteValue[]): Row | undefined {
    return this.#statement.get(...values) as Row | undefined
  }

  each(...values: readonly SqliteValue[]): Iterable<Row> {
    return this.#statement.iterate(...values) as Iterable<Row>
  }

  run(...values: readonly SqliteValue[]): number {
    return Number(this.#statement.run(...values).changes)
  }
}
