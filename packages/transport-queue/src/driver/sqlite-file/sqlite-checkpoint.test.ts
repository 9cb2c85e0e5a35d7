import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SqliteCheckpoint } from './sqlite-checkpoint.ts'
import { openDatabase } from './sqlite-database.ts'

describe('SqliteCheckpoint', () => {
  it('moves pages into the file when enough was written, and the rest when it closes', async () => {
    const { path, database, checkpoint } = opened()
    const before = statSync(path).size
    checkpoint.wrote(1)
    checkpoint.wrote(5_000_000)
    await checkpoint.close()
    expect(statSync(path).size).toBeGreaterThan(before + 100_000)
    expect(statSync(`${path}-wal`).size).toBe(0)
    database.close()
  })

  it('closes while the file is locked, and leaves the rest to whoever opens it next', async () => {
    const { database, checkpoint } = opened()
    database.execute('BEGIN IMMEDIATE')
    await checkpoint.close()
    await checkpoint.close()
    database.execute('COMMIT')
    database.close()
  })

  it('tells when its thread cannot go on', async () => {
    const failed = Promise.withResolvers<unknown>()
    const path = join(tmpdir(), 'tenon-no-such-folder', 'queue.db')
    const checkpoint = new SqliteCheckpoint({ path, failed: failed.resolve })
    expect(await failed.promise).toMatchObject({ message: 'unable to open database file' })
    await checkpoint.close()
  })
})

/** A file whose log has a hundred records of a few KiB, that nobody moves. */
function opened() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'queue.db')
  const database = openDatabase(path)
  database.execute('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE written (value BLOB)')
  const insert = database.statement('INSERT INTO written VALUES (zeroblob(4000))')
  database.transaction(() => {
    for (let count = 0; count < 100; count++) insert.run()
  })
  const checkpoint = new SqliteCheckpoint({ path, failed: (error) => expect.unreachable(String(error)) })
  return { path, database, checkpoint }
}
