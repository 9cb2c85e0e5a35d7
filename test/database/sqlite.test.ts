import { databaseSuite } from './database-suite.ts'

databaseSuite(async () => ({ system: 'sqlite', duplicateCode: '1555', table: 'notes', placeholder: '?' }))
