import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { onTestFinished, expect, test } from 'vitest'
import { type DatabaseOptions, openDatabase, ping } from './database.ts'

interface Tables {
  readonly notes: { readonly text: string }
}

const notes = {
  '0001_notes': {
    up: (database: Kysely<Tables>) => database.schema.createTable('notes').addColumn('text', 'text').execute(),
  },
}

const memory: DatabaseOptions = { url: undefined, file: ':memory:', schema: 'notes', migrations: notes }

test('reads rows and writes rows', async () => {
  await using database = await openDatabase<Tables>(memory)
  const written = await database.insertInto('notes').values({ text: 'one' }).returningAll().executeTakeFirst()
  const updated = await database.updateTable('notes').set({ text: 'two' }).executeTakeFirst()
  expect({ written: written?.text, updatedCount: updated.numUpdatedRows }).toEqual({ written: 'one', updatedCount: 1n })
  expect(await database.selectFrom('notes').select('text').execute()).toMatchObject([{ text: 'two' }])
})

test('reads row by row', async () => {
  await using database = await openDatabase<Tables>(memory)
  await database
    .insertInto('notes')
    .values([{ text: 'one' }, { text: 'two' }])
    .execute()
  const seen: string[] = []
  for await (const { text } of database.selectFrom('notes').selectAll().stream()) seen.push(text)
  expect(seen).toEqual(['one', 'two'])
})

test('keeps what is in the file and runs no migration twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shop-data-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const options = { ...memory, file: join(folder, 'new folder', 'notes.db') }
  {
    await using first = await openDatabase<Tables>(options)
    await first.insertInto('notes').values({ text: 'kept' }).execute()
  }
  await using second = await openDatabase<Tables>(options)
  expect(await second.selectFrom('notes').selectAll().execute()).toMatchObject([{ text: 'kept' }])
})

test('does not open when a migration fails', async () => {
  const broken = { ...notes, '0002_broken': { up: () => Promise.reject(new Error('no such luck')) } }
  await expect(openDatabase<Tables>({ ...memory, migrations: broken })).rejects.toThrow('no such luck')
})

test('answers a ping while it is open', async () => {
  const database = await openDatabase<Tables>(memory)
  const { signal } = new AbortController()
  await ping(database, signal)
  await database.destroy()
  await expect(ping(database, signal)).rejects.toThrow()
})
