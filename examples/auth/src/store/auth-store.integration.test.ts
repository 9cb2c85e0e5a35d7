import { postgresAbsence, temporaryPostgres } from '@shop/data/testing'
import { describe } from 'vitest'
import { openAuthDatabase } from './auth-database.ts'
import { authStoreSuite } from './auth-store-suite.ts'
import { RegistrationStore } from './registration-store.ts'
import { refreshTokenTable, signingKeyTable } from './token-store.ts'
import { UserStore } from './user-store.ts'

const absence = postgresAbsence()

describe.skipIf(absence)(`on PostgreSQL${absence ? ` (skipped: ${absence})` : ''}`, () => {
  authStoreSuite(async (now) => {
    const postgres = await temporaryPostgres()
    const database = await openAuthDatabase({ databaseUrl: postgres.url, dataDir: '' })
    return {
      database,
      users: new UserStore(database),
      registrations: new RegistrationStore(database, now),
      refreshTokens: refreshTokenTable(database),
      signingKeys: signingKeyTable(database),
      [Symbol.asyncDispose]: async () => {
        await database.destroy()
        await postgres[Symbol.asyncDispose]()
      },
    }
  })
})
