import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { openDatabase } from './database.ts'
import { postgresAbsence, temporaryPostgres } from './testing.ts'

const absence = postgresAbsence()

describe.skipIf(absence)(`on PostgreSQL${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test('a connection that breaks between two statements fails its transaction, and nothing else', async () => {
    await using postgres = await temporaryPostgres()
    const open = () => openDatabase<object>({ url: postgres.url, file: '', schema: 'shop_test', migrations: {} })
    const [database, other] = await Promise.all([open(), open()])
    const broken = database.transaction().execute(async (transaction) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction)
      await sql`select pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(other)
      await sql`select 1`.execute(transaction)
    })
    // An error that nobody hears would end the process, and with it this test.
    await expect(broken).rejects.toThrow(/terminat|closed|not queryable/i)
    expect((await sql<{ one: number }>`select 1 as one`.execute(database)).rows).toEqual([{ one: 1 }])
    await Promise.all([database.destroy(), other.destroy()])
  })
})
