import { randomBytes } from 'node:crypto'
import { Client } from 'pg'

/** A database of a test's own on a real PostgreSQL. */
export interface TemporaryPostgres extends AsyncDisposable {
  readonly url: string
}

/** Why tests against PostgreSQL are skipped; undefined when they run. Set `TENON_REQUIRE_INFRA=1` to fail instead. */
export function postgresAbsence(): string | undefined {
  if (process.env['DATABASE_URL'] !== undefined || process.env['TENON_REQUIRE_INFRA'] === '1') return undefined
  return 'DATABASE_URL names no PostgreSQL'
}

/** Creates an empty database on the server of DATABASE_URL; disposing removes it. */
export async function temporaryPostgres(): Promise<TemporaryPostgres> {
  const server = process.env['DATABASE_URL']
  if (server === undefined) throw new Error('DATABASE_URL names no PostgreSQL, and TENON_REQUIRE_INFRA=1 asks for one')
  const name = `shop_test_${randomBytes(6).toString('hex')}`
  await execute(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = name
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => execute(server, `drop database ${name} with (force)`),
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
