import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { queuePath, sqliteFile } from './data-dir.ts'

const exampleDir = fileURLToPath(new URL('../..', import.meta.url))

test.each([
  ['the folder of the example when none is named', undefined, join(exampleDir, '.data/user.db')],
  ['the folder that is named', '/var/shop', '/var/shop/user.db'],
  ['the current folder for a relative name', 'data', 'data/user.db'],
  ['no file at all', ':memory:', ':memory:'],
])('keeps data in %s', (_where, dataDir, file) => {
  expect(sqliteFile('user.db', dataDir)).toBe(file)
})

test.each([
  ['beside the data', { queueFile: undefined, dataDir: '/var/shop' }, '/var/shop/queue.db'],
  ['in the folder of the example', { queueFile: undefined, dataDir: undefined }, join(exampleDir, '.data/queue.db')],
  ['in the file that is named', { queueFile: '/run/queue', dataDir: ':memory:' }, '/run/queue'],
  ['in no file where there is none for data', { queueFile: undefined, dataDir: ':memory:' }, undefined],
  ['in no file at all', { queueFile: ':memory:', dataDir: '/var/shop' }, undefined],
])('keeps messages %s', (_where, settings, file) => {
  expect(queuePath(settings)).toBe(file)
})
