import type { SqliteDatabase } from '../sqlite-file/sqlite-database.ts'
import type { SqliteSettings } from './sqlite-options.ts'
import type { SqliteWriter } from '../sqlite-file/sqlite-writer.ts'

export interface RetentionSurroundings {
  readonly settings: SqliteSettings
  readonly database: SqliteDatabase
  readonly writer: Pick<SqliteWriter, 'push'>
}

/** Removes old records, some hundred at a time, so that nobody waits long for it. */
export class SqliteRetention {
  readonly #surroundings: RetentionSurroundings
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(surroundings: RetentionSurroundings) {
    this.#surroundings = surroundings
    this.#sweepIn(firstSweepMs)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #sweepIn(delayMs: number): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => void this.#sweep(), delayMs)
    this.#timer.unref()
  }

  /** A step for every partition; again soon when there is more to do. */
  async #sweep(): Promise<void> {
    const { database, writer, settings } = this.#surroundings
    let isMore = false
    try {
      for (const log of database.statement<LogRow>(selectLogs).all()) {
        if (!hasOld(database, log, settings)) continue
        isMore =
          (await writer.push(() => trim(database, log.log_id, settings), { timeoutMs: sweepIntervalMs })) || isMore
      }
    } catch {
      // The file is locked, full or closed: the next sweep does it, and whoever publishes or reads tells.
    }
    this.#sweepIn(isMore ? stepIntervalMs : sweepIntervalMs)
  }
}

/**
 * Removes up to `stepCount` of the oldest records of a partition: those whose time is over, and those that every group has committed
 * as long as the partition is too large. Inside a transaction. True when there may be more.
 */
export function trim(database: SqliteDatabase, logId: number, settings: TrimSettings): boolean {
  const log = database.statement<LogRow>(`${selectLogs} WHERE log_id = ?`).get(logId)
  if (log === undefined) return false
  const { least = null } = database.statement<LeastRow>(selectLeastCommitted).get(logId) ?? {}
  const expiredAt = Date.now() - settings.retentionMs
  let { byte_count: byteCount, first_offset: firstOffset } = log
  const oldest = database.statement<OldRow>(selectOldest).all(logId, firstOffset, logId, stepCount)
  for (const record of oldest) {
    const isDone = least === null || record.offset < least
    if (record.stored_at >= expiredAt && !(isDone && byteCount > settings.retentionBytes)) break
    byteCount -= record.byte_count
    firstOffset = record.offset + 1
  }
  if (firstOffset === log.first_offset) return false
  database.statement(deleteRecords).run(logId, log.first_offset, logId, firstOffset)
  database.statement(updateLog).run(firstOffset, byteCount, logId)
  return oldest.at(-1)?.offset === firstOffset - 1 && oldest.length === stepCount
}

type TrimSettings = Pick<SqliteSettings, 'retentionMs' | 'retentionBytes'>

/** Without a transaction: whether a step may find something. */
function hasOld(database: SqliteDatabase, log: LogRow, { retentionMs, retentionBytes }: TrimSettings): boolean {
  if (log.byte_count > retentionBytes) return true
  const [oldest] = database.statement<OldRow>(selectOldest).all(log.log_id, log.first_offset, log.log_id, 1)
  return oldest !== undefined && oldest.stored_at < Date.now() - retentionMs
}

interface LogRow {
  readonly log_id: number
  readonly first_offset: number
  readonly byte_count: number
}

interface LeastRow {
  readonly least: number | null
}

interface OldRow {
  readonly offset: number
  readonly stored_at: number
  readonly byte_count: number
}

const firstSweepMs = 5_000
const sweepIntervalMs = 30_000
const stepIntervalMs = 50
/** Records removed in one transaction. A guess: a few milliseconds. */
const stepCount = 500

const selectLogs = 'SELECT log_id, first_offset, byte_count FROM log'

/** Groups that have ever joined count, also those without members. */
const selectLeastCommitted = 'SELECT min(coalesce(next_offset, 0)) AS least FROM claim WHERE log_id = ?'

const selectOldest = `
  SELECT record_id & 0xffffffffff AS offset, stored_at, byte_count FROM record
  WHERE record_id >= ((? << 40) | ?) AND record_id < ((? + 1) << 40)
  ORDER BY record_id LIMIT ?`

const deleteRecords = 'DELETE FROM record WHERE record_id >= ((? << 40) | ?) AND record_id < ((? << 40) | ?)'

const updateLog = 'UPDATE log SET first_offset = ?, byte_count = ? WHERE log_id = ?'
