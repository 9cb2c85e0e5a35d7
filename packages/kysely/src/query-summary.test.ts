import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely'
import { expect, test } from 'vitest'
import { summaryOf } from './query-summary.ts'

interface Tables {
  readonly users: { readonly id: string }
  readonly orders: { readonly id: string; readonly user_id: string }
}

const database = new Kysely<Tables>({
  dialect: {
    createDriver: () => new DummyDriver(),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (given) => new PostgresIntrospector(given),
  },
})
const { schema } = database

test.each([
  [database.selectFrom('users').selectAll(), 'SELECT users'],
  [database.withSchema('shop').selectFrom('users as u').selectAll(), 'SELECT shop.users'],
  [
    database.selectFrom('orders').innerJoin('users', 'users.id', 'orders.user_id').selectAll('orders'),
    'SELECT orders users',
  ],
  [database.selectFrom(database.selectFrom('users').selectAll().as('u')).selectAll(), 'SELECT'],
  [database.insertInto('users').values({ id: '1' }), 'INSERT users'],
  [database.updateTable('users').set({ id: '2' }).where('id', '=', '1'), 'UPDATE users'],
  [database.deleteFrom('users').where('id', '=', '1'), 'DELETE users'],
  [schema.createTable('users').addColumn('id', 'text'), 'CREATE TABLE users'],
  [schema.createIndex('by_user').on('orders').column('user_id'), 'CREATE INDEX orders'],
  [schema.dropTable('users'), 'DROP TABLE users'],
] as const)('of what Kysely builds it is the operation and its tables: %#', (query, summary) => {
  const { operation, tables } = summaryOf(query.compile().query)
  expect([operation, ...tables].join(' ')).toBe(summary)
})

test('of a statement that is text nothing is known', () => {
  expect(summaryOf(sql`delete from users`.compile(database).query)).toEqual({ operation: undefined, tables: [] })
})
