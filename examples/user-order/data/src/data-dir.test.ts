import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sqliteFile } from './data-dir.ts'

const exampleDir = fileURLToPath(new URL('../..', import.meta.url))

test.each([
  ['the folder of the example when none is named', undefined, join(exampleDir, '.data/user.db')],
  ['the folder that is named', '/var/shop', '/var/shop/user.db'],
  ['the current folder for a relative name', 'data', 'data/user.db'],
  ['no file at all', ':memory:', ':memory:'],
])('keeps data in %s', (_where, dataDir, file) => {
  expect(sqliteFile('user.db', dataDir)).toBe(file)
})
