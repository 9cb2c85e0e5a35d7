import { postgresAbsence, temporaryPostgres } from '@shop/data/testing'
import { describe, test } from 'vitest'
import { checkRestart } from './login-restart.ts'

const absence = postgresAbsence()

describe.skipIf(absence)(`a login in PostgreSQL${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('outlives kill -9 as it does in SQLite', { timeout: 60_000 }, async () => {
    await using postgres = await temporaryPostgres()
    await checkRestart(postgres.url)
  })
})
