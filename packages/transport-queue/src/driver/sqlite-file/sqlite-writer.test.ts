import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from './sqlite-database.ts'
import { SqliteWriter } from './sqlite-writer.ts'

describe('SqliteWriter', () => {
  it('stores what is pushed together in one transaction, in its order', async () => {
    const { writer, insert, values, transactions } = opened()
    await Promise.all([1, 2, 3].map((value) => writer.push(() => insert(value), bound)))
    expect(values()).toEqual([1, 2, 3])
    expect(transactions).toEqual([3])
  })

  it('begins another transaction when one has taken its time', async () => {
    const { writer, insert, values, transactions, pass } = opened()
    const slow = (value: number) => () => {
      pass(3)
      insert(value)
    }
    await Promise.all([1, 2].map((value) => writer.push(slow(value), bound)))
    expect(values()).toEqual([1, 2])
    expect(transactions).toEqual([1, 1])
  })

  it('gives what the work comes to', async () => {
    expect(await opened().writer.push(() => 'result', bound)).toBe('result')
  })

  it('takes no other with a work that fails', async () => {
    const { writer, insert, values } = opened()
    const failing = () => {
      insert(2)
      throw new Error('no')
    }
    const outcomes = await Promise.allSettled([
      writer.push(() => insert(1), bound),
      writer.push(failing, bound),
      writer.push(() => insert(3), bound),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'internal', cause: { message: 'no' } } })
    expect(values()).toEqual([1, 3])
  })

  it('waits while another process holds the file, without holding up the event loop, and goes on then', async () => {
    const { writer, insert, values, holder } = opened()
    holder.execute('BEGIN IMMEDIATE')
    const stored = writer.push(() => insert(1), bound)
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    holder.execute('COMMIT')
    await stored
    expect(values()).toEqual([1])
  })

  it('tells for how long another process has held the file, while something waits to be written', async () => {
    const { writer, insert, holder, pass } = opened()
    expect(writer.lockedForMs).toBe(0)
    holder.execute('BEGIN IMMEDIATE')
    const [stored, turn] = [writer.push(() => insert(1), bound), () => new Promise((resolve) => setImmediate(resolve))]
    await turn()
    pass(700)
    await turn()
    expect(writer.lockedForMs).toBe(700)
    holder.execute('COMMIT')
    await stored
    expect(writer.lockedForMs).toBe(0)
    // Who has nothing to write does not know.
    holder.execute('BEGIN IMMEDIATE')
    await expect(writer.push(() => insert(2), { timeoutMs: 5 })).rejects.toMatchObject({ code: 'unavailable' })
    await writer.flush()
    pass(700)
    expect(writer.lockedForMs).toBe(0)
    holder.execute('COMMIT')
  })

  it('never carries out what has waited too long for a locked file', async () => {
    const { writer, insert, values, holder } = opened()
    holder.execute('BEGIN IMMEDIATE')
    const late = writer.push(() => insert(1), { timeoutMs: 5 })
    await expect(late).rejects.toMatchObject({ code: 'unavailable', message: 'the queue file stayed locked for 5 ms' })
    holder.execute('COMMIT')
    await writer.push(() => insert(2), bound)
    expect(values()).toEqual([2])
  })

  it('never carries out what was given up before', async () => {
    const { writer, insert, values } = opened()
    const leaving = new AbortController()
    const givenUp = writer.push(() => insert(1), { ...bound, signal: leaving.signal })
    leaving.abort()
    await expect(givenUp).rejects.toMatchObject({ code: 'cancelled' })
    await expect(writer.push(() => insert(2), { ...bound, signal: leaving.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    await writer.flush()
    expect(values()).toEqual([])
  })

  it('fails what waits when it closes, and what comes later', async () => {
    const { writer, holder } = opened()
    holder.execute('BEGIN IMMEDIATE')
    const waiting = writer.push(() => 1, bound)
    writer.close()
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable' })
    await expect(writer.push(() => 1, bound)).rejects.toMatchObject({ code: 'unavailable' })
    await writer.flush()
  })

  it('fails everybody at a file that cannot be used any more', async () => {
    const { writer, database } = opened()
    const waiting = [writer.push(() => 1, bound), writer.push(() => 2, bound)]
    database.close()
    for (const one of await Promise.allSettled(waiting)) expect(one).toMatchObject({ reason: { code: 'internal' } })
  })
})

const bound = { timeoutMs: 20_000 }

function opened() {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  const path = join(folder, 'queue.db')
  const database = openDatabase(path)
  database.execute('PRAGMA journal_mode = WAL; CREATE TABLE written (value INTEGER)')
  const holder = openDatabase(path)
  onTestFinished(() => {
    database.close()
    holder.close()
    rmSync(folder, { recursive: true })
  })
  const transactions: number[] = []
  let now = 0
  const pass = (durationMs: number) => void (now += durationMs)
  const stored = (count: number) => void transactions.push(count)
  const writer = new SqliteWriter(database, { stored, random: () => 0.5, nowMs: () => now })
  const insert = (value: number) => void database.statement('INSERT INTO written VALUES (?)').run(value)
  const select = 'SELECT value FROM written ORDER BY rowid'
  const values = () =>
    holder
      .statement<{ readonly value: number }>(select)
      .all()
      .map(({ value }) => value)
  return { database, writer, holder, transactions, insert, values, pass }
}
