import { describe } from 'vitest'
import { openAuthDatabase } from './auth-database.ts'
import { authStoreSuite } from './auth-store-suite.ts'
import { RegistrationStore } from './registration-store.ts'
import { refreshTokenTable, signingKeyTable } from './token-store.ts'
import { UserStore } from './user-store.ts'

describe('on SQLite', () => {
  authStoreSuite(async (now) => {
    const database = await openAuthDatabase({ databaseUrl: undefined, dataDir: ':memory:' })
    return {
      database,
      users: new UserStore(database),
      registrations: new RegistrationStore(database, now),
      refreshTokens: refreshTokenTable(database),
      signingKeys: signingKeyTable(database),
      [Symbol.asyncDispose]: () => database.destroy(),
    }
  })
})
