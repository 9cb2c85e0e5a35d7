import { setImmediate } from 'node:timers/promises'
import { type ConsumerStart, ServiceError } from '@tenon/core/transport'
import type { PartitionProgress, ReceivedRecord, RecordToSend } from '../../queue-driver.ts'
import type { PartitionBounds } from '../partition-reading.ts'
import { partitionHash } from '../partition-hash.ts'
import type { SqliteDatabase } from '../sqlite-file/sqlite-database.ts'
import { byteCountOf } from '../record-size.ts'
import { readHeaders, writeHeaders } from './sqlite-record.ts'

/** A partition of a topic, by its number in the file. */
export interface LogPlace {
  readonly logId: number
  readonly topic: string
  readonly partition: number
}

/** A record on its way into the file. */
interface PlacedRecord {
  readonly logId: number
  readonly record: RecordToSend
}

/** Topics and their records. What changes the file is called inside a transaction. */
export class SqliteLog {
  readonly #database: SqliteDatabase
  /** Topics are never removed, so what is there stays right. */
  readonly #logIds = new Map<string, readonly number[]>()
  #nextUnkeyed = 0

  constructor(database: SqliteDatabase) {
    this.#database = database
  }

  /** Creates a topic that does not exist. */
  createTopic(topic: string, partitionCount: number): void {
    const inserted = this.#database.statement('INSERT INTO topic (name) VALUES (?) ON CONFLICT DO NOTHING').run(topic)
    if (inserted === 0) return
    const insert = this.#database.statement(insertLog)
    for (let partition = 0; partition < partitionCount; partition++) insert.run(topic, partition)
  }

  /** The numbers of a topic's partitions, in their order; none for a topic that does not exist. */
  logIdsOf(topic: string): readonly number[] {
    const known = this.#logIds.get(topic)
    if (known !== undefined) return known
    const logIds = this.#database.statement<{ readonly log_id: number }>(selectLogs).all(topic)
    const found = logIds.map(({ log_id }) => log_id)
    // Inside a transaction what is found may be undone.
    if (found.length > 0 && !this.#database.isWriting) this.#logIds.set(topic, found)
    return found
  }

  /** The number of a partition. @throws ServiceError `not_found` */
  logIdOf(topic: string, partition: number): number {
    const logId = this.logIdsOf(topic)[partition]
    if (logId !== undefined) return logId
    throw new ServiceError('not_found', `the queue file has no topic ${topic} with a partition ${partition}`)
  }

  /** @throws ServiceError `internal` for a partition that is not there */
  place(record: RecordToSend): PlacedRecord {
    const logIds = this.logIdsOf(record.topic)
    const { key, partition } = record
    const index = partition ?? (key === null ? this.#nextUnkeyed++ : partitionHash(key)) % logIds.length
    const logId = logIds[index]
    if (logId !== undefined) return { logId, record }
    throw new ServiceError('internal', `topic ${record.topic} has no partition ${index}`)
  }

  append(records: readonly PlacedRecord[], storedAt: number): void {
    const advance = this.#database.statement<{ readonly offset: number }>(advanceLog)
    const insert = this.#database.statement(insertRecord)
    for (const { logId, record } of records) {
      const byteCount = byteCountOf(record)
      const { offset } = advance.get(byteCount, logId) ?? { offset: 0 }
      const { timestampAt = storedAt, key, value, headers } = record
      insert.run(logId, offset, storedAt, timestampAt, byteCount, key, writeHeaders(headers), value)
    }
  }

  /** Where each partition of the file ends. */
  ends(): ReadonlyMap<number, number> {
    const rows = this.#database.statement<EndRow>('SELECT log_id, next_offset FROM log').all()
    return new Map(rows.map(({ log_id, next_offset }) => [log_id, next_offset]))
  }

  /** Where a partition begins and ends. */
  boundsOf(logId: number): PartitionBounds {
    const row = this.#database.statement<BoundsRow>(selectBounds).get(logId)
    return { earliestOffset: row?.first_offset ?? 0, endOffset: row?.next_offset ?? 0 }
  }

  /** The next records of a partition from the offset on, or from the first that is still kept; some tens of them. */
  read({ logId, topic, partition }: LogPlace, fromOffset: number): readonly ReceivedRecord[] {
    const records: ReceivedRecord[] = []
    let byteCount = 0
    for (const row of this.#database.statement<RecordRow>(selectRecords).each(logId, fromOffset, logId)) {
      const { offset, timestamp_at: timestampAt, key, value } = row
      records.push({ topic, partition, offset, timestampAt, key, value, headers: readHeaders(row.headers) })
      byteCount += row.byte_count
      if (records.length >= fetchedCount || byteCount >= fetchedBytes) break
    }
    return records
  }

  /** @throws ServiceError `not_found` for a topic that does not exist */
  async offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]> {
    const logIds = this.logIdsOf(topic)
    if (logIds.length === 0) throw new ServiceError('not_found', `the queue file has no topic ${topic}`)
    const offsets: number[] = []
    for (const logId of logIds) offsets.push(await this.#offsetAt(logId, start))
    return offsets
  }

  /** A moment is looked for some records at a time, which are not in the order of their times. */
  async #offsetAt(logId: number, start: ConsumerStart): Promise<number> {
    const { earliestOffset, endOffset } = this.boundsOf(logId)
    if (start === 'earliest') return earliestOffset
    if (start === 'latest') return endOffset
    const select = this.#database.statement<{ readonly offset: number | null }>(selectSince)
    for (let offset = earliestOffset; offset < endOffset; offset += soughtCount) {
      const found = select.get(logId, offset, logId, offset + soughtCount, start.startAt)?.offset
      if (found !== null && found !== undefined) return found
      await setImmediate()
    }
    return endOffset
  }

  /** @throws ServiceError `not_found` for a topic that does not exist */
  describe(topic: string, group?: string): readonly PartitionProgress[] {
    const rows = this.#database.statement<ProgressRow>(selectProgress).all(group ?? null, topic)
    if (rows.length === 0) throw new ServiceError('not_found', `the queue file has no topic ${topic}`)
    return rows.map((row) => ({
      partition: row.partition,
      earliestOffset: row.first_offset,
      nextOffset: row.next_offset,
      committedOffset: row.committed_offset ?? undefined,
    }))
  }
}

interface EndRow {
  readonly log_id: number
  readonly next_offset: number
}

interface BoundsRow {
  readonly first_offset: number
  readonly next_offset: number
}

interface RecordRow {
  readonly offset: number
  readonly timestamp_at: number
  readonly byte_count: number
  readonly key: Uint8Array | null
  readonly headers: Uint8Array
  readonly value: Uint8Array | null
}

interface ProgressRow {
  readonly partition: number
  readonly first_offset: number
  readonly next_offset: number
  readonly committed_offset: number | null
}

/** Bound how long one read holds up the event loop. Guesses: well below a millisecond. */
const fetchedCount = 100
const fetchedBytes = 262_144
/** The same for a moment that is looked for. */
const soughtCount = 1_000

const insertLog = 'INSERT INTO log (topic_id, partition) SELECT topic_id, ?2 FROM topic WHERE name = ?1'

const selectLogs = 'SELECT log_id FROM log JOIN topic USING (topic_id) WHERE name = ? ORDER BY partition'

const selectBounds = 'SELECT first_offset, next_offset FROM log WHERE log_id = ?'

const advanceLog = `
  UPDATE log SET next_offset = next_offset + 1, byte_count = byte_count + ? WHERE log_id = ?
  RETURNING next_offset - 1 AS offset`

const insertRecord = `
  INSERT INTO record (record_id, stored_at, timestamp_at, byte_count, key, headers, value)
  VALUES ((? << 40) | ?, ?, ?, ?, ?, ?, ?)`

const selectRecords = `
  SELECT record_id & 0xffffffffff AS offset, timestamp_at, byte_count, key, headers, value FROM record
  WHERE record_id >= ((? << 40) | ?) AND record_id < ((? + 1) << 40)
  ORDER BY record_id`

const selectSince = `
  SELECT min(record_id) & 0xffffffffff AS offset FROM record
  WHERE record_id >= ((? << 40) | ?) AND record_id < ((? << 40) | ?) AND timestamp_at >= ?`

const selectProgress = `
  SELECT log.partition, log.first_offset, log.next_offset, claim.next_offset AS committed_offset
  FROM log JOIN topic USING (topic_id)
  LEFT JOIN consumer_group ON consumer_group.name = ?
  LEFT JOIN claim ON claim.group_id = consumer_group.group_id AND claim.log_id = log.log_id
  WHERE topic.name = ? ORDER BY log.partition`
