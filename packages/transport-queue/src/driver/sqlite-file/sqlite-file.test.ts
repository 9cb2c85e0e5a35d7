import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from './sqlite-database.ts'
import { type FileSettings, openFile } from './sqlite-file.ts'

describe('openFile', () => {
  it('makes the file, and opens it again', async () => {
    const path = newPath()
    for (let time = 0; time < 2; time++) (await open(path)).close()
  })

  it('is opened by several that begin at the same moment', async () => {
    const path = newPath()
    const databases = await Promise.all([open(path), open(path), open(path)])
    for (const database of databases) database.close()
  })

  it.each([
    ['normal', 1],
    ['full', 2],
  ] as const)('waits for what `%s` says', async (synchronous, expected) => {
    const database = await open(newPath(), { synchronous })
    expect(database.statement('PRAGMA synchronous').get()).toEqual({ synchronous: expected })
    expect(database.statement('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    // SQLite would wait for a lock by sleeping, and the event loop with it.
    expect(database.statement('PRAGMA busy_timeout').get()).toEqual({ timeout: 0 })
    database.close()
  })

  it('makes the folder too', async () => {
    const path = join(newPath(), 'data', 'queue.db')
    for (let time = 0; time < 2; time++) (await open(path)).close()
  })

  it('names a folder that cannot be made, and one that is none', async () => {
    const path = newPath()
    writeFileSync(path, '')
    const below = join(path, 'data')
    await expect(open(join(below, 'queue.db'))).rejects.toThrow(`the folder ${below} of the queue file cannot be made`)
    await expect(open(join(path, 'queue.db'))).rejects.toThrow(`${path} is no folder`)
  })

  it('refuses a folder for a file', async () => {
    const path = newPath()
    mkdirSync(path)
    await expect(open(path)).rejects.toThrow(`${path} is a folder`)
  })

  it.runIf(process.platform === 'linux')('names a place where it must not write', async () => {
    await expect(open('/proc/tenon-queue.db')).rejects.toThrow(
      /\/proc\/tenon-queue.db cannot be opened or written.*permissions/,
    )
  })

  it('leaves a file alone that is no database', async () => {
    const path = newPath()
    const text = 'not a database, but long enough to have a header if it were one. '.repeat(4)
    writeFileSync(path, text)
    await expect(open(path)).rejects.toThrow(`${path} is no SQLite database`)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('leaves a database of something else alone', async () => {
    const path = newPath()
    const other = openDatabase(path)
    other.execute('CREATE TABLE theirs (name TEXT)')
    other.close()
    const before = readFileSync(path)
    await expect(open(path)).rejects.toThrow(`${path} cannot be used: it is an SQLite database of something else`)
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it('leaves a newer layout alone', async () => {
    const path = newPath()
    const newer = await open(path)
    newer.execute('PRAGMA user_version = 99')
    newer.close()
    await expect(open(path)).rejects.toThrow(/it has layout 99 and this version of Tenon knows 1; update/)
  })

  it('says that the file stayed locked, and opens it once it is not', async () => {
    const path = newPath()
    const holder = openDatabase(path)
    holder.execute('BEGIN EXCLUSIVE')
    await expect(open(path, { connectTimeoutMs: 100 })).rejects.toThrow(
      `${path} stayed locked by another process for 100 ms`,
    )
    const opening = open(path)
    holder.execute('COMMIT')
    holder.close()
    ;(await opening).close()
  })
})

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'queue.db')
}

function open(path: string, settings: Partial<FileSettings> = {}) {
  return openFile({ path, synchronous: 'normal', connectTimeoutMs: 10_000, ...settings })
}
