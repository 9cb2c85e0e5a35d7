/**
 * The code of what a client of a database threw, of few values: `23505` of PostgreSQL, `ER_DUP_ENTRY`, `SQLITE_BUSY`, the number of
 * Node's own SQLite, or that of a connection that failed. Undefined where it has none.
 */
export function statusCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  // Node's own SQLite has the same `code` for all that SQLite says.
  const code: unknown = Reflect.get(thrown, 'errcode') ?? Reflect.get(thrown, 'code')
  if (typeof code === 'number') return String(code)
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : undefined
}
