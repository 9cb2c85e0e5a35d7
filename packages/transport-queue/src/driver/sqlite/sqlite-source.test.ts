import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../sqlite-file/sqlite-database.ts'
import { prepareLayout } from '../sqlite-file/sqlite-schema.ts'
import { SqliteLog } from './sqlite-log.ts'
import { sqliteSource } from './sqlite-source.ts'

const { signal: never } = new AbortController()

describe('sqliteSource', () => {
  it('lets the event loop go on between what it reads', async () => {
    const source = sqliteSource(queueOf(filled(300)), { topic: 'topic', partition: 1, fromOffset: 0 })
    let turnCount = 0
    const turn = () => {
      turnCount++
      handle = setImmediate(turn)
    }
    let handle = setImmediate(turn)
    for (let offset = 0; offset < 300; ) offset = (await source.fetch(offset, never)).nextOffset
    clearImmediate(handle)
    expect(turnCount).toBeGreaterThanOrEqual(3)
  })

  it('says that it is unavailable while another process holds the file, and broken for what no waiting mends', async () => {
    const log = filled(1)
    const source = sqliteSource(queueOf(log), { topic: 'topic', partition: 1, fromOffset: 0 })
    const failing = (errcode: number) => () => {
      throw Object.assign(new Error('no'), { errcode })
    }
    Object.assign(log, { boundsOf: failing(5), read: failing(11) })
    await expect(source.bounds(never)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(source.fetch(0, never)).rejects.toMatchObject({ code: 'internal' })
  })
})

function queueOf(log: SqliteLog) {
  return { log, untilMore: () => Promise.resolve() }
}

/** A log with so many records in its second partition. */
function filled(count: number): SqliteLog {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  prepareLayout(database)
  const log = new SqliteLog(database)
  database.transaction(() => {
    log.createTopic('topic', 2)
    const record = { topic: 'topic', key: null, value: null, headers: [], partition: 1 }
    log.append(
      Array.from({ length: count }, () => log.place(record)),
      0,
    )
  })
  return log
}
