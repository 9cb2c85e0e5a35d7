import { describe } from 'vitest'
import { openOrderDatabase } from './order-database.ts'
import { orderStoreSuite } from './order-store-suite.ts'

describe('on SQLite', () => {
  orderStoreSuite(async () => {
    const database = await openOrderDatabase({ databaseUrl: undefined, dataDir: ':memory:' })
    return { database, [Symbol.asyncDispose]: () => database.destroy() }
  })
})
