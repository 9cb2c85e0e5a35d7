import { describe } from 'vitest'
import { openUserDatabase } from './user-database.ts'
import { userStoreSuite } from './user-store-suite.ts'

describe('on SQLite', () => {
  userStoreSuite(async () => {
    const database = await openUserDatabase({ databaseUrl: undefined, dataDir: ':memory:' })
    return { database, [Symbol.asyncDispose]: () => database.destroy() }
  })
})
