import type { SqliteDatabase } from './sqlite-database.ts'

/**
 * Makes the tables in an empty file, and refuses one that is something else.
 *
 * A later layout adds a step here that leads from `layoutVersion` to its own in one transaction; an older process that finds a
 * newer layout leaves the file alone.
 *
 * @throws Error that says what the file is
 */
export function prepareLayout(database: SqliteDatabase): void {
  if (isPrepared(database)) return
  database.transaction(() => {
    // Another process may have been faster.
    if (!isPrepared(database)) database.execute(layout)
  })
}

/** @throws Error for a layout that is not ours */
function isPrepared(database: SqliteDatabase): boolean {
  const { application_id: application = 0 } = database.statement<ApplicationRow>('PRAGMA application_id').get() ?? {}
  const { user_version: version = 0 } = database.statement<VersionRow>('PRAGMA user_version').get() ?? {}
  if (application === applicationId && version === layoutVersion) return true
  if (application === applicationId)
    throw new Error(
      `it has layout ${version} and this version of Tenon knows ${layoutVersion}; update the older processes`,
    )
  const { count } = database.statement<CountRow>('SELECT count(*) AS count FROM sqlite_schema').get() ?? { count: 0 }
  if (application !== 0 || version !== 0 || count > 0) throw new Error('it is an SQLite database of something else')
  return false
}

interface ApplicationRow {
  readonly application_id: number
}

interface VersionRow {
  readonly user_version: number
}

interface CountRow {
  readonly count: number
}

/** "TNNq" in ASCII. */
const applicationId = 0x544e4e71

const layoutVersion = 1

/**
 * A record's id is its log's number in the upper bits and its offset in the lower forty, so that one b-tree holds all logs, each
 * in order. A claim is what a group knows of a partition: whose it is, whose it is to be, and how far it has come.
 */
const layout = `
  CREATE TABLE topic (
    topic_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE log (
    log_id INTEGER PRIMARY KEY,
    topic_id INTEGER NOT NULL REFERENCES topic,
    partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER NOT NULL DEFAULT 0,
    byte_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (topic_id, partition)
  ) STRICT;
  CREATE TABLE record (
    record_id INTEGER PRIMARY KEY,
    stored_at INTEGER NOT NULL,
    timestamp_at INTEGER NOT NULL,
    byte_count INTEGER NOT NULL,
    key BLOB,
    headers BLOB NOT NULL,
    value BLOB
  ) STRICT;
  CREATE TABLE consumer_group (
    group_id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE member (
    member_id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL REFERENCES consumer_group,
    topics TEXT NOT NULL,
    beat INTEGER NOT NULL DEFAULT 0,
    session_timeout_ms INTEGER NOT NULL,
    process_space TEXT NOT NULL,
    process_id INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX member_of_group ON member (group_id);
  CREATE TABLE claim (
    group_id INTEGER NOT NULL REFERENCES consumer_group,
    log_id INTEGER NOT NULL REFERENCES log,
    owner_id INTEGER,
    heir_id INTEGER,
    generation INTEGER NOT NULL DEFAULT 0,
    next_offset INTEGER,
    PRIMARY KEY (group_id, log_id)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${layoutVersion};
`
