import { resolve } from 'node:path'
import { type ConsumerStart, ServiceError } from '@tenon/core/transport'
import type {
  Membership,
  PartitionProgress,
  ProduceBound,
  QueueDriver,
  QueueMember,
  ReadBound,
  ReceivedRecord,
  RecordPlace,
  RecordRange,
  RecordToSend,
  TopicToEnsure,
} from '../../queue-driver.ts'
import { notConnected } from '../not-connected.ts'
import { within } from '../../wait.ts'
import { followPartition } from '../partition-following.ts'
import { readPartition } from '../partition-reading.ts'
import { recordTooLarge } from '../record-too-large.ts'
import { toQueueError } from '../sqlite-file/sqlite-error.ts'
import { SqliteGroup } from './sqlite-group.ts'
import { SqliteMember } from './sqlite-member.ts'
import { resolveSqlite, type SqliteDriverOptions, type SqliteSettings } from './sqlite-options.ts'
import { SqliteQueue } from './sqlite-queue.ts'
import { sqliteSource } from './sqlite-source.ts'
import { byteCountOf } from '../record-size.ts'

/**
 * A queue in one file that the processes of one machine share, over Node's own SQLite: partitions, groups and redelivery as on a
 * broker, and everything survives the processes.
 *
 * @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range`
 */
export function sqliteDriver(options: SqliteDriverOptions): QueueDriver {
  return new SqliteDriver(resolveSqlite(options))
}

class SqliteDriver implements QueueDriver {
  readonly name = 'sqlite'
  readonly longestRebalanceMs: number
  readonly target: string
  readonly #settings: SqliteSettings
  #queue: SqliteQueue | undefined

  constructor(settings: SqliteSettings) {
    this.#settings = settings
    this.longestRebalanceMs = settings.rebalanceTimeoutMs
    this.target = `the queue file ${resolve(settings.path)}`
  }

  async connect(): Promise<void> {
    this.#queue ??= await SqliteQueue.open(this.#settings)
  }

  async ensureTopics(topics: readonly TopicToEnsure[]): Promise<void> {
    await this.#createTopics(topics, { timeoutMs: this.#settings.connectTimeoutMs })
  }

  async produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    try {
      await this.#produce(records, bound)
    } catch (error) {
      throw toQueueError(error)
    }
  }

  /** A file that takes nothing is away, though it can be read: what it says of commits is of the past. */
  async describe(topic: string, group?: string): Promise<readonly PartitionProgress[]> {
    const { lockedForMs } = this.#opened().writer
    if (lockedForMs >= longLockMs)
      throw new ServiceError('unavailable', `the queue file has been locked for ${Math.round(lockedForMs)} ms`)
    try {
      return this.#opened().log.describe(topic, group)
    } catch (error) {
      throw toQueueError(error)
    }
  }

  async *read(range: RecordRange, bound: ReadBound): AsyncIterable<readonly ReceivedRecord[]> {
    yield* readPartition(sqliteSource(this.#opened(), range), range, bound)
  }

  async offsetsAt(topic: string, start: ConsumerStart): Promise<readonly number[]> {
    try {
      return await this.#opened().log.offsetsAt(topic, start)
    } catch (error) {
      throw toQueueError(error)
    }
  }

  async *follow(from: RecordPlace, signal: AbortSignal): AsyncIterable<readonly ReceivedRecord[]> {
    yield* followPartition(sqliteSource(this.#opened(), from), from, signal)
  }

  async join(membership: Membership, signal: AbortSignal): Promise<QueueMember> {
    signal.throwIfAborted()
    const queue = this.#opened()
    const bound = { timeoutMs: this.#settings.connectTimeoutMs, signal }
    await this.#createTopics(
      membership.topics.map((topic) => ({ topic })),
      bound,
    )
    const groupId = await queue.writer.push(() => SqliteGroup.create(queue.database, membership.group), bound)
    const member = new SqliteMember(queue, groupId, membership)
    try {
      await member.join(signal)
      return member
    } catch (error) {
      await member.leave(AbortSignal.abort())
      throw error
    }
  }

  async close(): Promise<void> {
    const queue = this.#queue
    this.#queue = undefined
    if (queue === undefined) return
    await within(queue.writer.flush(), closeTimeoutMs, 'still writing').catch(() => undefined)
    await queue[Symbol.asyncDispose]()
  }

  async #produce(records: readonly RecordToSend[], bound: ProduceBound): Promise<void> {
    const queue = this.#opened()
    for (const record of records) this.#checkSize(record)
    const unknown = new Set(records.map(({ topic }) => topic).filter((topic) => queue.log.logIdsOf(topic).length === 0))
    if (unknown.size > 0)
      await this.#createTopics(
        Array.from(unknown, (topic) => ({ topic })),
        bound,
      )
    const placed = records.map((record) => queue.log.place(record))
    const storing = chunksOf(placed).map((chunk) =>
      queue.writer.push(() => {
        queue.log.append(chunk, Date.now())
        queue.wrote(chunk.reduce((sum, { record }) => sum + byteCountOf(record), 0))
      }, bound),
    )
    await Promise.all(storing)
  }

  #createTopics(topics: readonly TopicToEnsure[], bound: ProduceBound): Promise<void> {
    const { log, writer } = this.#opened()
    const missing = topics.filter(({ topic }) => log.logIdsOf(topic).length === 0)
    if (missing.length === 0) return Promise.resolve()
    const create = ({ topic, partitionCount = this.#settings.partitionCount }: TopicToEnsure) =>
      log.createTopic(topic, partitionCount)
    return writer.push(() => missing.forEach(create), bound)
  }

  #checkSize(record: RecordToSend): void {
    const byteCount = byteCountOf(record)
    const { maxRecordBytes } = this.#settings
    if (byteCount <= maxRecordBytes) return
    const cause = new Error(
      `a record of ${byteCount} bytes for topic ${record.topic} exceeds maxRecordBytes, ${maxRecordBytes}`,
    )
    throw recordTooLarge('a message is too large for the queue', cause)
  }

  #opened(): SqliteQueue {
    if (this.#queue === undefined) throw notConnected()
    return this.#queue
  }
}

/** Far longer than the transactions of others take. A guess. */
const longLockMs = 500
/** What is still being written when the driver closes gets so long. A guess. */
const closeTimeoutMs = 2_000
/** Records of one work; more of them would hold up the event loop. A guess: a millisecond. */
const chunkCount = 100

function chunksOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const chunkTotal = Math.ceil(items.length / chunkCount)
  return Array.from({ length: chunkTotal }, (_, index) => items.slice(index * chunkCount, (index + 1) * chunkCount))
}
