import type { DatabaseConnection, Dialect, Driver, QueryCompiler, QueryResult } from 'kysely'
import { QueryObserver } from './query-observer.ts'

export interface ObservedDialectOptions {
  /** What the conventions of OpenTelemetry call the database. Literals in its statements are found by its rules. */
  readonly system: 'postgresql' | 'sqlite' | 'mysql' | 'mariadb' | 'microsoft.sql_server'
  /** The name of the database, as in `postgres://host/name`. @defaultValue nothing is told */
  readonly namespace?: string | undefined
  /** Where it is, `host:port`, told with each span. @defaultValue nothing is told, as of a file */
  readonly address?: string | undefined
}

/**
 * The same dialect, with a span for each statement that a call of the service makes, and the durations of all of them:
 * `new Kysely({ dialect: observedDialect(new PostgresDialect({ pool }), { system: 'postgresql' }) })`. Values are never told. Without an
 * OpenTelemetry SDK nothing is done.
 */
export function observedDialect(dialect: Dialect, options: ObservedDialectOptions): Dialect {
  return {
    createDriver: () => observedDriver(dialect.createDriver(), new QueryObserver(options)),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (database) => dialect.createIntrospector(database),
  }
}

/** Gives the driver its own connections back, of which it knows more than their interface says. */
function observedDriver(driver: Driver, observer: QueryObserver): Driver {
  const own = (connection: DatabaseConnection) =>
    connection instanceof ObservedConnection ? connection.inner : connection
  const { savepoint, rollbackToSavepoint, releaseSavepoint } = driver
  const named =
    (operation: string, run: NonNullable<Driver['savepoint']>) =>
    (connection: DatabaseConnection, name: string, compile: QueryCompiler['compileQuery']) =>
      observer.command(operation, () => run.call(driver, own(connection), name, compile))
  return {
    init: (options) => driver.init(options),
    acquireConnection: async (options) => new ObservedConnection(await driver.acquireConnection(options), observer),
    beginTransaction: (connection, settings) =>
      observer.command('BEGIN', () => driver.beginTransaction(own(connection), settings)),
    commitTransaction: (connection) => observer.command('COMMIT', () => driver.commitTransaction(own(connection))),
    rollbackTransaction: (connection) =>
      observer.command('ROLLBACK', () => driver.rollbackTransaction(own(connection))),
    ...(savepoint && { savepoint: named('SAVEPOINT', savepoint) }),
    ...(rollbackToSavepoint && { rollbackToSavepoint: named('ROLLBACK TO SAVEPOINT', rollbackToSavepoint) }),
    ...(releaseSavepoint && { releaseSavepoint: named('RELEASE SAVEPOINT', releaseSavepoint) }),
    releaseConnection: (connection, options) => driver.releaseConnection(own(connection), options),
    destroy: (options) => driver.destroy(options),
  }
}

class ObservedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection
  readonly cancelQuery?: NonNullable<DatabaseConnection['cancelQuery']>
  readonly collectSessionInfo?: NonNullable<DatabaseConnection['collectSessionInfo']>
  readonly killSession?: NonNullable<DatabaseConnection['killSession']>
  readonly #observer: QueryObserver

  constructor(inner: DatabaseConnection, observer: QueryObserver) {
    this.inner = inner
    this.#observer = observer
    // Kysely asks whether a connection has them.
    if (inner.cancelQuery) this.cancelQuery = inner.cancelQuery.bind(inner)
    if (inner.collectSessionInfo) this.collectSessionInfo = inner.collectSessionInfo.bind(inner)
    if (inner.killSession) this.killSession = inner.killSession.bind(inner)
  }

  executeQuery<Row>(...given: Parameters<DatabaseConnection['executeQuery']>): Promise<QueryResult<Row>> {
    return this.#observer.query(given[0], () => this.inner.executeQuery<Row>(...given))
  }

  streamQuery<Row>(...given: Parameters<DatabaseConnection['streamQuery']>): AsyncIterableIterator<QueryResult<Row>> {
    return this.#observer.stream(given[0], () => this.inner.streamQuery<Row>(...given))
  }
}
