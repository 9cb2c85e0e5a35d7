import { postgresAbsence, temporaryPostgres } from '@shop/data/testing'
import { describe, expect, test } from 'vitest'
import { openOrderDatabase } from './order-database.ts'
import { orderStoreSuite } from './order-store-suite.ts'

const absence = postgresAbsence()

describe.skipIf(absence)(`on PostgreSQL${absence ? ` (skipped: ${absence})` : ''}`, () => {
  orderStoreSuite(async () => {
    const postgres = await temporaryPostgres()
    const database = await openOrderDatabase({ databaseUrl: postgres.url, dataDir: '' })
    return {
      database,
      [Symbol.asyncDispose]: async () => {
        await database.destroy()
        await postgres[Symbol.asyncDispose]()
      },
    }
  })

  test('keeps its tables in a schema of its own, also when several instances start at once', async () => {
    await using postgres = await temporaryPostgres()
    const settings = { databaseUrl: postgres.url, dataDir: '' }
    const databases = await Promise.all([1, 2, 3].map(() => openOrderDatabase(settings)))
    const tables = await databases[0]?.introspection.getTables({ withInternalKyselyTables: true })
    await Promise.all(databases.map((database) => database.destroy()))
    expect(new Set(tables?.map(({ schema }) => schema))).toEqual(new Set(['shop_order']))
  })
})
