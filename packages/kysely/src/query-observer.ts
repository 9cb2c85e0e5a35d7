import {
  boundedValues,
  type CallConvention,
  observeQuery,
  type ObservedQuery,
  queryConvention,
  type QueryFacts,
  queryTextAttributes,
} from '@tenon/core/telemetry'
import type { CompiledQuery } from 'kysely'
import { summaryOf, type QuerySummary } from './query-summary.ts'
import { withoutValues } from './query-text.ts'
import { statusCodeOf } from './status-code.ts'

/** Whose statements are told of. */
export type ObservedDatabase = Partial<Pick<QueryFacts, 'namespace' | 'address'>> & Pick<QueryFacts, 'system'>

/** Tells OpenTelemetry of the statements of one database. */
export class QueryObserver {
  readonly #database: ObservedDatabase
  readonly #conventions = new Map<string, CallConvention>()
  /** Tables may be named by what comes from outside. */
  readonly #isToldApart = boundedValues()

  constructor(database: ObservedDatabase) {
    this.#database = database
  }

  /** Runs a statement. */
  query<Result>(compiled: CompiledQuery, run: () => Promise<Result>): Promise<Result> {
    const observed = this.#begin(compiled)
    return observed ? ended(observed, run) : run()
  }

  /** Runs a statement that nobody compiled, such as `BEGIN`. */
  command<Result>(operation: string, run: () => Promise<Result>): Promise<Result> {
    const observed = observeQuery(
      () => this.#conventionOf({ operation, tables: [] }),
      () => ({}),
    )
    return observed ? ended(observed, run) : run()
  }

  /** Runs a statement whose rows come as they are asked for: it begins with the first, and who leaves ends it. */
  async *stream<Result>(compiled: CompiledQuery, run: () => AsyncIterable<Result>): AsyncGenerator<Result> {
    const observed = this.#begin(compiled)
    try {
      yield* run()
    } catch (error) {
      observed?.fail(statusCodeOf(error))
      throw error
    } finally {
      observed?.succeed()
    }
  }

  #begin({ query, sql }: CompiledQuery): ObservedQuery | undefined {
    const { system } = this.#database
    return observeQuery(
      () => this.#conventionOf(summaryOf(query)),
      () => queryTextAttributes(withoutValues(sql, system)),
    )
  }

  #conventionOf({ operation, tables }: QuerySummary): CallConvention {
    const key = [operation, ...tables].join(' ')
    if (!this.#isToldApart(key) && tables.length > 0) return this.#conventionOf({ operation, tables: [] })
    const known = this.#conventions.get(key)
    if (known) return known
    const { system, namespace, address } = this.#database
    const made = queryConvention({ system, namespace, address, operation, tables })
    this.#conventions.set(key, made)
    return made
  }
}

async function ended<Result>(observed: ObservedQuery, run: () => Promise<Result>): Promise<Result> {
  try {
    const result = await run()
    observed.succeed()
    return result
  } catch (error) {
    observed.fail(statusCodeOf(error))
    throw error
  }
}
