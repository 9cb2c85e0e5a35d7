import { clientOf, defineHandler, defineService, hook, inject, provide, remote, token } from '@tenon/core'
import type { Client } from '@tenon/core/client'
import { contract } from '@tenon/core/contract'
import { grpcClient, grpcTransport } from '@tenon/transport-grpc'
import { type Kysely, sql } from 'kysely'
import Type from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../examples/user-order/data/src/database.ts'
import { forgetTelemetry, recordTelemetry } from '../../packages/core/src/telemetry/recorded.test-harness.ts'

interface Tables {
  readonly notes: { readonly note_id: string; readonly word: string }
}

type Work = (database: Kysely<Tables>) => Promise<void>

/** A database as its spans tell of it. */
export interface SuitePlace {
  /** Undefined for a database in memory. */
  readonly url?: string
  readonly system: string
  readonly namespace?: string
  readonly address?: string
  readonly port?: number
  /** Of a key that is there twice. */
  readonly duplicateCode: string
  /** As the statement has them. */
  readonly table: string
  readonly placeholder: string
}

const notes = contract('database.note.v1.NoteService', { work: { input: Type.Object({}), output: Type.Object({}) } })
const NoteDatabase = token<Kysely<Tables>>('NoteDatabase')
const common = { version: '1.0.0', admin: false } as const
const environment = { LOG_LEVEL: 'silent' }
const secret = 's3cret'

/** What is told of statements, over a real database: the same of each. */
export function databaseSuite(openPlace: () => Promise<SuitePlace>): void {
  /** Calls a handler that does the work, by a client. */
  async function startWork(work: Work): Promise<SuitePlace & { readonly run: () => Promise<unknown> }> {
    const place = await openPlace()
    const { url } = place
    const open = () => openDatabase<Tables>({ url, file: ':memory:', schema: 'notes_test', migrations })
    const server = await defineService({
      ...common,
      name: 'note',
      handlers: [
        defineHandler(notes, () => {
          const database = inject(NoteDatabase)
          return {
            work: async () => {
              await work(database)
              return {}
            },
          }
        }),
      ],
      providers: () => [provide(NoteDatabase, { create: open, dispose: (database) => database.destroy() })],
      transports: () => [grpcTransport({ port: 0 })],
    }).start({ environment })
    onTestFinished(async () => void (await server.stop()))
    const found = Promise.withResolvers<Client<typeof notes>>()
    const at = `static:///127.0.0.1:${server.addresses[0]?.port}`
    const caller = await defineService({
      ...common,
      name: 'reader',
      handlers: [],
      remotes: () => [remote(notes, { via: grpcClient(), at })],
      onStart: [hook('open', (client) => found.resolve(client), { needs: [clientOf(notes)] })],
    }).start({ environment })
    onTestFinished(async () => void (await caller.stop()))
    const client = await found.promise
    return { ...place, run: () => client.work({}) }
  }

  const insert = (database: Kysely<Tables>, noteId: string) =>
    database.insertInto('notes').values({ note_id: noteId, word: secret }).execute()

  test('a statement is a part of the call that makes it, and tells no values', async () => {
    const recorded = recordTelemetry()
    const { run, system, namespace, address, port, table, placeholder } = await startWork(async (database) => {
      await database
        .selectFrom('notes')
        .select('word')
        .where('note_id', '=', secret)
        .where(sql<string>`word`, '=', sql.lit(secret))
        .execute()
    })
    expect(recorded.spans()).toEqual([])
    await run()
    const [query, server] = recorded.spans()
    const name = `SELECT ${table}`
    expect(query).toMatchObject({ name, kind: 'CLIENT', parent: server?.name, traceId: server?.traceId })
    const place = {
      'db.system.name': system,
      ...(namespace !== undefined && { 'db.namespace': namespace }),
      ...(address !== undefined && { 'server.address': address }),
      ...(port !== undefined && { 'server.port': port }),
    }
    const told = {
      ...place,
      'db.operation.name': 'SELECT',
      'db.collection.name': table,
      'db.query.summary': name,
    }
    const from = table.replaceAll(/\w+/g, '"$&"')
    const text = `select "word" from ${from} where "note_id" = ${placeholder} and word = ?`
    expect(query).toMatchObject({ status: 'UNSET', attributes: { ...told, 'db.query.text': text } })
    expect(Object.keys(query?.attributes ?? {})).toHaveLength(Object.keys(told).length + 1)
    const points = await recorded.points('db.client.operation.duration')
    expect(points.filter(({ attributes }) => attributes['db.query.summary'] === name)).toEqual([
      { value: 1, attributes: told },
    ])
  })

  test('one that fails tells the code of the database, and not its text', async () => {
    const recorded = recordTelemetry()
    const { run, duplicateCode } = await startWork(async (database) => {
      await insert(database, 'a')
      await insert(database, 'a').catch(() => undefined)
    })
    await run()
    const [done, failed] = recorded.spans()
    expect(done?.status).toBe('UNSET')
    expect(failed).toMatchObject({
      status: 'ERROR',
      events: [],
      attributes: { 'error.type': duplicateCode, 'db.response.status_code': duplicateCode },
    })
    expect(JSON.stringify(recorded.spans())).not.toContain(secret)
  })

  test('a transaction has spans for its begin and its end, around those of its statements', async () => {
    const recorded = recordTelemetry()
    const { run, table } = await startWork(async (database) => {
      await database.transaction().execute((transaction) => insert(transaction, 'a'))
      const broken = database.transaction().execute(async (transaction) => {
        await insert(transaction, 'a')
      })
      await broken.catch(() => undefined)
      const controlled = await database.startTransaction().execute()
      const saved = await controlled.savepoint('before').execute()
      await saved.rollbackToSavepoint('before').execute()
      await controlled.commit().execute()
    })
    await run()
    const names = recorded.spans().map(({ name }) => name)
    const inserting = `INSERT ${table}`
    expect(names.slice(0, -2)).toEqual([
      'BEGIN',
      inserting,
      'COMMIT',
      'BEGIN',
      inserting,
      'ROLLBACK',
      'BEGIN',
      'SAVEPOINT',
      'ROLLBACK TO SAVEPOINT',
      'COMMIT',
    ])
    const parents = recorded
      .spans()
      .slice(0, -2)
      .map(({ parent }) => parent)
    expect(new Set(parents)).toEqual(new Set([recorded.spans().at(-1)?.name]))
  })

  test('one that is part of no call has its duration alone', async () => {
    const recorded = recordTelemetry()
    const { url } = await openPlace()
    const database = await openDatabase<Tables>({ url, file: ':memory:', schema: 'notes_test', migrations })
    await sql`select 1`.execute(database)
    await database.destroy()
    expect(recorded.spans()).toEqual([])
    const points = await recorded.points('db.client.operation.duration')
    expect(points.find(({ attributes }) => attributes['db.operation.name'] === undefined)?.value).toBeGreaterThan(0)
  })

  test('without an SDK everything is as ever', async () => {
    forgetTelemetry()
    const { url } = await openPlace()
    const database = await openDatabase<Tables>({ url, file: ':memory:', schema: 'notes_test', migrations })
    await database.transaction().execute((transaction) => insert(transaction, 'a'))
    expect(await database.selectFrom('notes').select('note_id').execute()).toEqual([{ note_id: 'a' }])
    await database.destroy()
  })
}

const migrations = {
  '0001_notes': {
    up: async (database: Kysely<Tables>) => {
      const { schema } = database
      await schema
        .createTable('notes')
        .addColumn('note_id', 'text', (column) => column.primaryKey())
        .addColumn('word', 'text')
        .execute()
    },
  },
}
