import { trace } from '@opentelemetry/api'
import { Kysely, sql, SqliteDialect } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openNodeSqlite } from '../../../examples/user-order/data/src/node-sqlite.ts'
import { recordTelemetry } from '../../core/src/telemetry/recorded.test-harness.ts'
import { observedDialect } from './index.ts'

interface Tables {
  readonly notes: { readonly note_id: number }
}

async function openNotes() {
  const dialect = new SqliteDialect({ database: openNodeSqlite(':memory:') })
  const database = new Kysely<Tables>({ dialect: observedDialect(dialect, { system: 'sqlite' }) })
  onTestFinished(() => database.destroy())
  await database.schema.createTable('notes').addColumn('note_id', 'integer').execute()
  for (const id of [1, 2, 3]) await database.insertInto('notes').values({ note_id: id }).execute()
  return database
}

/** Runs as a part of a span. */
const within = (work: () => Promise<void>) =>
  trace.getTracer('test').startActiveSpan('outer', async (span) => {
    await work()
    span.end()
  })

test('a stream of rows has a span until its last row', async () => {
  const { spans } = recordTelemetry()
  const database = await openNotes()
  await within(async () => {
    for await (const _row of database.selectFrom('notes').selectAll().stream()) expect(spans()).toEqual([])
  })
  expect(spans()).toMatchObject([{ name: 'SELECT notes', parent: 'outer', status: 'UNSET' }, { name: 'outer' }])
})

test('a reader that leaves a stream ends its span, which is no error', async () => {
  const { spans } = recordTelemetry()
  const database = await openNotes()
  await within(async () => {
    for await (const _row of database.selectFrom('notes').selectAll().stream()) break
  })
  expect(spans()).toMatchObject([{ name: 'SELECT notes', status: 'UNSET' }, { name: 'outer' }])
})

test('a stream that fails has the code of the database', async () => {
  const { spans } = recordTelemetry()
  const database = await openNotes()
  await within(async () => {
    const rows = database.selectFrom('notes').select(sql`abs(-9223372036854775808)`.as('none')).stream()
    await expect(rows.next()).rejects.toThrow('integer overflow')
  })
  expect(spans()[0]).toMatchObject({ status: 'ERROR', attributes: { 'error.type': '1' } })
})

test('tables that come from outside are told apart up to a thousand', async () => {
  const { points } = recordTelemetry()
  const database = await openNotes()
  for (let index = 0; index < 1_100; index += 1)
    await database
      .selectFrom(`notes_${index}` as 'notes')
      .selectAll()
      .execute()
      .catch(() => undefined)
  expect((await points('db.client.operation.duration')).length).toBeLessThanOrEqual(1_001)
})

test('a log of Kysely sees what it saw before', async () => {
  const seen: string[] = []
  const dialect = new SqliteDialect({ database: openNodeSqlite(':memory:') })
  const database = new Kysely<Tables>({
    dialect: observedDialect(dialect, { system: 'sqlite' }),
    log: ({ level, query }) => void seen.push(`${level} ${query.sql}`),
  })
  await sql`select 1`.execute(database)
  await sql`select`.execute(database).catch(() => undefined)
  await database.destroy()
  expect(seen).toEqual(['query select 1', 'error select'])
})
