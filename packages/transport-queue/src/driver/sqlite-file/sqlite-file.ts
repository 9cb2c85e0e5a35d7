import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { wait } from '../../wait.ts'
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts'
import { isLocked, isNoDatabase, sqliteReason } from './sqlite-error.ts'
import { prepareLayout } from './sqlite-schema.ts'

/** How the queue's file is opened, as `sqliteDriver()` was told. */
export interface FileSettings {
  readonly path: string
  readonly synchronous: 'normal' | 'full'
  readonly connectTimeoutMs: number
}

/**
 * Opens the queue's file, and makes it and its folder when they are not there. While others lock it, tries again within
 * `connectTimeoutMs`.
 *
 * @throws Error that names the file, and says what is wrong with it and what to do
 */
export async function openFile(settings: FileSettings): Promise<SqliteDatabase> {
  const path = resolve(settings.path)
  preparePlace(path)
  const giveUpAtMs = performance.now() + settings.connectTimeoutMs
  for (;;) {
    try {
      return openOnce(path, settings)
    } catch (error) {
      if (!isLocked(error)) throw new Error(explain(path, error), { cause: error })
      if (performance.now() >= giveUpAtMs) throw new Error(stayedLocked(path, settings), { cause: error })
    }
    await wait(openRetryMs, never)
  }
}

/** A guess. */
const openRetryMs = 20
const never = new AbortController().signal

function openOnce(path: string, { synchronous }: FileSettings): SqliteDatabase {
  const database = openDatabase(path)
  try {
    // Before anything is written: a database of something else stays as it is.
    prepareLayout(database)
    database.execute('PRAGMA journal_mode = WAL')
    database.execute(`PRAGMA synchronous = ${synchronous}`)
    database.execute('PRAGMA wal_autocheckpoint = 0')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Only looks at names. To open one of SQLite's files besides SQLite would end the locks of the whole process on it.
 *
 * @see SQLite documentation, "How To Corrupt An SQLite Database File", section 2.2
 */
function preparePlace(path: string): void {
  const folder = dirname(path)
  makeFolder(folder)
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is no folder, so it cannot hold the queue file`)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`${path} is a folder, expected the queue file or a name for it`)
}

function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`the folder ${folder} of the queue file cannot be made: ${reason}`, { cause })
  }
}

function explain(path: string, error: unknown): string {
  if (isNoDatabase(error)) return `${path} is no SQLite database; name another file`
  const reason = error instanceof Error ? error.message : String(error)
  if (sqliteReason(error) === undefined) return `the queue file ${path} cannot be used: ${reason}`
  return `the queue file ${path} cannot be opened or written (${reason}); check its permissions and those of its folder`
}

function stayedLocked(path: string, { connectTimeoutMs }: FileSettings): string {
  return `the queue file ${path} stayed locked by another process for ${connectTimeoutMs} ms`
}
