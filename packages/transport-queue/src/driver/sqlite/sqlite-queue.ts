import { resolve } from 'node:path'
import { SqliteCheckpoint } from '../sqlite-file/sqlite-checkpoint.ts'
import type { SqliteDatabase } from '../sqlite-file/sqlite-database.ts'
import { isLocked } from '../sqlite-file/sqlite-error.ts'
import { openFile } from '../sqlite-file/sqlite-file.ts'
import { SqliteLog } from './sqlite-log.ts'
import { SqliteNotifier } from '../sqlite-file/sqlite-notifier.ts'
import type { SqliteSettings } from './sqlite-options.ts'
import { SqliteRetention } from './sqlite-retention.ts'
import { SqliteWriter } from '../sqlite-file/sqlite-writer.ts'

/** How much of a partition somebody has seen. */
export interface SeenPartition {
  readonly logId: number
  readonly position: number
}

/** Somebody who waits until a partition has more than that. */
interface Waiter extends SeenPartition {
  wake(): void
}

/** Somebody who wants to know when groups may have changed. */
export interface Observer {
  changed(): void
  /** The file cannot be read any more. */
  fail(error: unknown): void
}

/** The open file, and all that this process does with it. */
export class SqliteQueue implements AsyncDisposable {
  readonly settings: SqliteSettings
  readonly database: SqliteDatabase
  readonly log: SqliteLog
  readonly writer: SqliteWriter
  readonly #notifier: SqliteNotifier
  readonly #checkpoint: SqliteCheckpoint
  readonly #retention: SqliteRetention
  readonly #waiters = new Set<Waiter>()
  readonly #observers = new Set<Observer>()
  #dataVersion: number
  #isClosed = false

  static async open(settings: SqliteSettings): Promise<SqliteQueue> {
    return new SqliteQueue(await openFile(settings), settings)
  }

  private constructor(database: SqliteDatabase, settings: SqliteSettings) {
    const path = resolve(settings.path)
    this.settings = settings
    this.database = database
    this.#dataVersion = database.dataVersion()
    this.log = new SqliteLog(database)
    this.writer = new SqliteWriter(database, { stored: () => this.#stored(), random: Math.random })
    this.#notifier = new SqliteNotifier({ walPath: `${path}-wal`, look: () => this.#look() })
    this.#checkpoint = new SqliteCheckpoint({
      path,
      failed: () => this.#checkpointHere(),
    })
    this.#retention = new SqliteRetention(this)
  }

  /** Says that records of so many bytes are being written. */
  wrote(byteCount: number): void {
    this.#checkpoint.wrote(byteCount)
  }

  /** Resolves when a partition may have more, or the signal fires. */
  untilMore(seen: SeenPartition, over: AbortSignal): Promise<void> {
    if (over.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(waiter)
        over.removeEventListener('abort', wake)
        resolve()
      }
      const waiter = { ...seen, wake }
      this.#waiters.add(waiter)
      over.addEventListener('abort', wake, { once: true })
    })
  }

  observe(observer: Observer): void {
    this.#observers.add(observer)
  }

  unobserve(observer: Observer): void {
    this.#observers.delete(observer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retention.close()
    this.#notifier.close()
    this.writer.close()
    await this.#checkpoint.close()
    this.#isClosed = true
    this.database.close()
  }

  /** Holds up the event loop now and then, which is better than a log that grows without end. */
  #checkpointHere(): void {
    if (!this.#isClosed) this.database.execute('PRAGMA wal_autocheckpoint = 1000')
  }

  /** A transaction of this process tells at once. */
  #stored(): void {
    this.wrote(transactionBytes)
    this.#tell()
  }

  #look(): boolean {
    try {
      const dataVersion = this.database.dataVersion()
      if (dataVersion === this.#dataVersion) return false
      if (this.#tell()) this.#dataVersion = dataVersion
    } catch (error) {
      if (!isLocked(error)) for (const observer of this.#observers) observer.fail(error)
    }
    return true
  }

  /** False when that has to be done again. */
  #tell(): boolean {
    try {
      this.#wake()
      for (const observer of this.#observers) observer.changed()
      return true
    } catch (error) {
      if (!isLocked(error)) for (const observer of this.#observers) observer.fail(error)
      return false
    }
  }

  #wake(): void {
    if (this.#waiters.size === 0) return
    const ends = this.log.ends()
    for (const waiter of this.#waiters) {
      if ((ends.get(waiter.logId) ?? 0) <= waiter.position) continue
      this.#waiters.delete(waiter)
      waiter.wake()
    }
  }
}

/** What a transaction writes besides its records: a few pages. */
const transactionBytes = 16_384
