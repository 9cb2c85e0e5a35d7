import { ConfigError, optionCheck, type SetupProblem, toFound } from '@tenon/core/transport'

/** How `sqliteDriver()` keeps its queue in a file. */
export interface SqliteDriverOptions {
  /**
   * The queue's file, absolute or relative to the working directory. It is created when it is missing, its folder is not.
   * SQLite keeps two more files beside it while it is open, `-wal` and `-shm`. Every process that names it shares the queue.
   *
   * @remarks On a disk of this machine: network file systems do not lock as SQLite needs it, and that cannot be told.
   * @see SQLite documentation, "Write-Ahead Logging", section 1
   */
  readonly path: string
  /** Partitions of a topic whose creator does not say. @defaultValue 4 @remarks Range 1–1_000 */
  readonly partitionCount?: number
  /**
   * What a commit waits for. `normal`: the operating system has it, so nothing acknowledged is lost when processes die; a
   * power cut may lose the last commits, and never harms the file. `full`: the disk has it, so a power cut loses nothing;
   * every commit holds up the event loop for as long as the disk takes.
   *
   * @defaultValue `normal`
   * @see SQLite documentation, PRAGMA synchronous
   */
  readonly synchronous?: 'normal' | 'full'
  /** How long opening may take, while others lock the file, before it is an error. @defaultValue 10_000 @remarks Range 100–600_000 */
  readonly connectTimeoutMs?: number
  /**
   * A member that has not been heard of for so long is taken for dead and its partitions go to others. A process of this
   * machine that has ended is noticed at the next heartbeat.
   *
   * @defaultValue 10_000, a guess: longer than an event loop should ever stand still
   * @remarks Range 200–1_800_000
   */
  readonly sessionTimeoutMs?: number
  /** How often a member is heard of. @defaultValue a tenth of `sessionTimeoutMs` @remarks Range 20 to a third of `sessionTimeoutMs` */
  readonly heartbeatIntervalMs?: number
  /**
   * How long a running message may keep a partition that is to go to another member. One that takes longer is handled a
   * second time by the partition's next owner.
   *
   * @defaultValue 60_000
   * @remarks Range 100–1_800_000
   * @see kafkajs's own default for a rebalance
   */
  readonly rebalanceTimeoutMs?: number
  /**
   * How long a record is kept, whether it was read or not.
   *
   * @defaultValue 604_800_000, seven days
   * @remarks Range 1_000–315_360_000_000
   * @see Kafka broker setting log.retention.hours
   */
  readonly retentionMs?: number
  /**
   * Bytes of keys, values and headers that a partition keeps of what every group that reads it has committed. What a group
   * has still to read stays, until `retentionMs`.
   *
   * @defaultValue 268_435_456, a guess: 256 MiB
   * @remarks Range 0–1_099_511_627_776
   */
  readonly retentionBytes?: number
  /**
   * Bytes of key, value and headers of the largest record that is taken; a larger one fails as `internal`.
   *
   * @defaultValue 1_048_576
   * @remarks Range 1_024–67_108_864
   * @see Kafka broker setting message.max.bytes
   */
  readonly maxRecordBytes?: number
}

export const sqliteDefaults = Object.freeze({
  partitionCount: 4,
  synchronous: 'normal',
  connectTimeoutMs: 10_000,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  retentionMs: 604_800_000,
  retentionBytes: 268_435_456,
  maxRecordBytes: 1_048_576,
} satisfies Omit<SqliteDriverOptions, 'path'>)

export type SqliteSettings = Readonly<Required<SqliteDriverOptions>>

/** @throws ConfigError `config.missing`, `config.malformed`, `config.out_of_range` */
export function resolveSqlite(options: SqliteDriverOptions): SqliteSettings {
  const merged = { ...sqliteDefaults, path: '', ...withoutUndefined(options) }
  const heartbeatIntervalMs = options.heartbeatIntervalMs ?? Math.round(merged.sessionTimeoutMs / 10)
  const settings = { ...merged, heartbeatIntervalMs }
  const problems = [
    ...check.names(options, [...Object.keys(sqliteDefaults), 'path', 'heartbeatIntervalMs']),
    ...checkPath(settings.path),
    ...check.choice('synchronous', settings.synchronous, ['normal', 'full']),
    ...checkNumbers(settings),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(settings)
}

const check = optionCheck('sqliteDriver')

/** An option that is undefined is left out. */
function withoutUndefined(options: SqliteDriverOptions): Partial<SqliteDriverOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function checkPath(path: unknown): readonly SetupProblem[] {
  if (path === undefined || path === '')
    return [
      { code: 'config.missing', message: 'sqliteDriver: path is missing, expected a file such as .data/queue.db' },
    ]
  // SQLite takes these for a database in memory, which no other process would see.
  const isFile = typeof path === 'string' && !path.startsWith(':') && !path.startsWith('file:') && !path.includes('\0')
  if (isFile) return []
  return [check.malformed(`path must be that of a file such as .data/queue.db, found ${toFound(path)}`)]
}

function checkNumbers(settings: SqliteSettings): readonly SetupProblem[] {
  const ranges = [
    ['partitionCount', 1, 1_000],
    ['connectTimeoutMs', 100, 600_000],
    ['sessionTimeoutMs', 200, 1_800_000],
    ['heartbeatIntervalMs', 20, Math.floor(Number(settings.sessionTimeoutMs) / 3)],
    ['rebalanceTimeoutMs', 100, 1_800_000],
    ['retentionMs', 1_000, 315_360_000_000],
    ['retentionBytes', 0, 1_099_511_627_776],
    ['maxRecordBytes', 1_024, 67_108_864],
  ] as const
  return ranges.flatMap(([name, min, max]) => check.integer(name, settings[name], { min, max }))
}
