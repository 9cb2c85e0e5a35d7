import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openFile } from '../sqlite-file/sqlite-file.ts'
import { SqliteWriter } from '../sqlite-file/sqlite-writer.ts'
import { SqliteGroup } from './sqlite-group.ts'
import { currentProcess } from './sqlite-liveness.ts'
import { SqliteLog } from './sqlite-log.ts'
import { resolveSqlite, type SqliteDriverOptions } from './sqlite-options.ts'
import { SqliteRetention, trim } from './sqlite-retention.ts'

const old = Date.now() - 10_000_000

describe('trim', () => {
  it('removes what is too old, read or not, and nothing else', async () => {
    const { log, trimmed } = await filled({ old: 3, fresh: 2 })
    expect(trimmed({ retentionMs: 1_000_000, retentionBytes: 1_000_000 })).toBe(false)
    expect(log.describe('topic', 'nobody')).toMatchObject([{ earliestOffset: 3, nextOffset: 5 }])
    expect(log.read(place, 0).map(({ offset }) => offset)).toEqual([3, 4])
  })

  it('removes some hundred at a time, and says that there is more', async () => {
    const { log, trimmed } = await filled({ old: 1_200, fresh: 1 })
    const bound = { retentionMs: 1_000_000, retentionBytes: 1_000_000 }
    expect([trimmed(bound), trimmed(bound), trimmed(bound), trimmed(bound)]).toEqual([true, true, false, false])
    expect(log.describe('topic', 'nobody')).toMatchObject([{ earliestOffset: 1_200, nextOffset: 1_201 }])
  })

  it('removes of a partition that is too large what every group has committed', async () => {
    const { log, trimmed, commit } = await filled({ old: 0, fresh: 10 })
    commit('one', 7)
    commit('other', 4)
    trimmed({ retentionMs: 1_000_000, retentionBytes: 0 })
    expect(log.describe('topic', 'one')).toMatchObject([{ earliestOffset: 4, committedOffset: 7 }])
  })

  it('keeps what a group has not committed beside a partition of its own, and no more once it has', async () => {
    const { log, trimmed, commitBeside } = await filled({ old: 0, fresh: 10 })
    commitBeside(3)
    trimmed({ retentionMs: 1_000_000, retentionBytes: 0 })
    expect(log.describe('topic', 'beside')).toMatchObject([{ earliestOffset: 3, committedOffset: 3 }])
    commitBeside(8)
    trimmed({ retentionMs: 1_000_000, retentionBytes: 0 })
    expect(log.describe('topic', 'beside')).toMatchObject([{ earliestOffset: 8, committedOffset: 8 }])
  })

  it('keeps as many bytes as it may', async () => {
    const { log, trimmed } = await filled({ old: 0, fresh: 10 })
    trimmed({ retentionMs: 1_000_000, retentionBytes: 300 })
    expect(log.describe('topic', 'nobody')).toMatchObject([{ earliestOffset: 7 }])
    expect(trimmed({ retentionMs: 1_000_000, retentionBytes: 300 })).toBe(false)
  })

  it('lets a group that has read nothing begin at what is left', async () => {
    const { trimmed, join: joinGroup } = await filled({ old: 3, fresh: 2 })
    trimmed({ retentionMs: 1_000_000, retentionBytes: 1_000_000 })
    expect(joinGroup('late').claims).toMatchObject([{ nextOffset: 3 }])
  })
})

describe('SqliteRetention', () => {
  it('removes step by step what is too old, soon after the start and every now and then', async () => {
    const { sweeper, add } = await filled({ old: 1_200, fresh: 0 })
    const { swept, first } = sweeper({ retentionMs: 1_000_000 })
    expect(first()).toBe(0)
    expect(await swept(5_000)).toBe(500)
    expect(await swept(50)).toBe(1_000)
    expect(await swept(50)).toBe(1_200)
    add(1, old)
    expect(await swept(29_999)).toBe(1_200)
    expect(await swept(1)).toBe(1_201)
  })

  it('sweeps no more once it is closed, also when that comes in the middle of a sweep', async () => {
    const { sweeper } = await filled({ old: 600, fresh: 0 })
    const { swept } = sweeper({ retentionMs: 1_000_000 }, (retention) => retention.close())
    expect(await swept(5_000)).toBe(500)
    expect(vi.getTimerCount()).toBe(0)
  })
})

const place = { logId: 1, topic: 'topic', partition: 0 }

/** A topic of one partition with records of a hundred bytes. */
async function filled({ old: oldCount, fresh }: { readonly old: number; readonly fresh: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  const database = await openFile(resolveSqlite({ path: join(folder, 'queue.db') }))
  onTestFinished(() => {
    database.close()
    rmSync(folder, { recursive: true })
  })
  const log = new SqliteLog(database)
  const record = { logId: 1, record: { topic: 'topic', key: null, value: Buffer.alloc(100), headers: [] } }
  database.transaction(() => {
    log.createTopic('topic', 1)
    log.createTopic('own', 1)
    for (let count = 0; count < oldCount; count++) log.append([record], old)
    for (let count = 0; count < fresh; count++) log.append([record], Date.now())
  })
  const joinGroup = (name: string, topic = 'topic') =>
    database.transaction(() => {
      const group = new SqliteGroup(database, SqliteGroup.create(database, name))
      const memberId = group.join({ topics: [topic], sessionTimeoutMs: 1_000, ...currentProcess() })
      return { group, memberId, claims: group.claimsOf(memberId) ?? [] }
    })
  return {
    log,
    add: (count: number, storedAt: number) =>
      database.transaction(() => {
        for (let index = 0; index < count; index++) log.append([record], storedAt)
      }),
    /** A sweeper in a time that only goes on when it is told to. */
    sweeper: (bound: Partial<SqliteDriverOptions>, writing: (retention: SqliteRetention) => void = () => undefined) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const settings = resolveSqlite({ path: 'queue.db', ...bound })
      const writer = new SqliteWriter(database, { stored: () => undefined, random: () => 0 })
      const push: SqliteWriter['push'] = (work, limit) => {
        writing(retention)
        return writer.push(work, limit)
      }
      const retention = new SqliteRetention({ settings, database, writer: { push } })
      onTestFinished(() => retention.close())
      const first = () => log.describe('topic', 'nobody')[0]?.earliestOffset
      const swept = async (durationMs: number) => {
        await vi.advanceTimersByTimeAsync(durationMs)
        await writer.flush()
        await new Promise((resolve) => setImmediate(resolve))
        return first()
      }
      return { first, swept }
    },
    join: joinGroup,
    trimmed: (bound: { readonly retentionMs: number; readonly retentionBytes: number }) =>
      database.transaction(() => trim(database, 1, bound)),
    /** By the owner of a partition of another topic. */
    commitBeside: (nextOffset: number) => {
      const { group, memberId, claims } = joinGroup('beside', 'own')
      for (const { logId, generation } of claims)
        group.commit({ memberId, logId, generation }, { logId: record.logId, nextOffset })
      group.remove([memberId])
    },
    commit: (name: string, nextOffset: number) => {
      const { group, memberId, claims } = joinGroup(name)
      for (const { logId, generation } of claims) group.commit({ memberId, logId, generation }, { logId, nextOffset })
    },
  }
}
