import { describe, onTestFinished } from 'vitest'
import { postgresAbsence, temporaryPostgres } from '../../examples/user-order/data/src/testing.ts'
import { databaseSuite } from './database-suite.ts'

const absence = postgresAbsence()

describe.skipIf(absence)(`on PostgreSQL${absence ? ` (skipped: ${absence})` : ''}`, () => {
  databaseSuite(async () => {
    const { url, ...postgres } = await temporaryPostgres()
    // Registered first, so it runs last: when what uses the database is closed.
    onTestFinished(() => postgres[Symbol.asyncDispose]())
    const { hostname: address, port, pathname } = new URL(url)
    const place = { system: 'postgresql', namespace: pathname.slice(1), address, port: Number(port) }
    return { ...place, url, duplicateCode: '23505', table: 'notes_test.notes', placeholder: '$1' }
  })
})
