import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, QueueDriver, ReceivedRecord } from '../../queue-driver.ts'
import { driverSuite } from '../suite/driver-suite.ts'
import { openDatabase } from '../sqlite-file/sqlite-database.ts'
import { sqliteDriver } from './sqlite-driver.ts'
import { SqliteGroup } from './sqlite-group.ts'
import type { SqliteDriverOptions } from './sqlite-options.ts'

describe('sqliteDriver', () => {
  it.each(driverSuite)('$name', async ({ run }) => {
    const path = newPath()
    await run({ connect: () => connect({ path }), unique: (name) => name })
  })

  it('keeps records and commits when the last process closes it', async () => {
    const path = newPath()
    const first = await connect({ path })
    await produce(first, ['0', '1', '2'])
    const reader = await read(first)
    await reader.partition.commit(2)
    await reader.member.leave(never)
    await first.close()
    const again = await read(await connect({ path }))
    expect(again.records.map(({ value }) => String(Buffer.from(value ?? [])))).toEqual(['2'])
    await again.member.leave(never)
  })

  it('connects again after it was closed', async () => {
    const driver = await connect()
    await driver.close()
    await driver.close()
    await driver.connect({ clientId: 'test' })
    await produce(driver, ['0'])
    expect(await driver.describe('topic', 'group')).toMatchObject([{ nextOffset: 1 }])
  })

  it('refuses a record that is too large as our own fault, and tells its size in the cause', async () => {
    const driver = await connect({ maxRecordBytes: 1_024 })
    await produce(driver, ['x'.repeat(1_024)])
    const cause = { message: 'a record of 1025 bytes for topic topic exceeds maxRecordBytes, 1024' }
    const refused = { code: 'internal', reason: 'record_too_large', cause }
    await expect(produce(driver, ['x'.repeat(1_025)])).rejects.toMatchObject(refused)
    expect(await driver.describe('topic', 'group')).toMatchObject([{ nextOffset: 1 }])
  })

  it('refuses a partition that does not exist', async () => {
    const driver = await connect()
    const record = { topic: 'topic', key: null, value: null, headers: [], partition: 9 }
    await expect(driver.produce([record], bound)).rejects.toMatchObject({ code: 'internal' })
  })

  it('answers that it is unavailable while another process holds the file, and still reads', async () => {
    const path = newPath()
    const driver = await connect({ path })
    await produce(driver, ['0'])
    const { member, partition } = await read(driver)
    const holder = open(path)
    holder.execute('BEGIN IMMEDIATE')
    const record = { topic: 'topic', key: null, value: Buffer.from('never'), headers: [] }
    await expect(driver.produce([record], { timeoutMs: 10 })).rejects.toMatchObject({ code: 'unavailable' })
    const other = await connect({ path })
    expect(await other.describe('topic', 'group')).toMatchObject([{ nextOffset: 1 }])
    holder.execute('COMMIT')
    await produce(driver, ['1'])
    expect(await partition.commit(1)).toBe(true)
    expect(await driver.describe('topic', 'group')).toMatchObject([{ nextOffset: 2, committedOffset: 1 }])
    await member.leave(never)
  })

  it('loses what it owned when others took it for dead, refuses its late commit, and joins again', async () => {
    const path = newPath()
    const driver = await connect({ path, sessionTimeoutMs: 200, heartbeatIntervalMs: 20 })
    await produce(driver, ['0'])
    const { member, partition, assigned } = await read(driver)
    const other = open(path)
    const group = new SqliteGroup(other, SqliteGroup.create(other, 'group'))
    const memberIds = group.signs().map(({ memberId }) => memberId)
    other.transaction(() => group.remove(memberIds))
    expect(await partition.commit(1)).toBe(false)
    const next = await assigned(2)
    expect(partition.lost.aborted).toBe(true)
    expect((await next.fetch()).map(({ offset }) => offset)).toEqual([0])
    expect(await next.commit(1)).toBe(true)
    expect(member.state).toBe('assigned')
    await member.leave(never)
  })

  it('loses a partition that is not given up in time, and refuses its commit', async () => {
    const path = newPath()
    const times = { path, sessionTimeoutMs: 1_000, heartbeatIntervalMs: 50, rebalanceTimeoutMs: 100 }
    const first = await connect(times)
    await first.ensureTopics([{ topic: 'topic', partitionCount: 2 }])
    const held: AssignedPartition[] = []
    const both = Promise.withResolvers<void>()
    const consume = async (partition: AssignedPartition) => {
      held.push(partition)
      if (held.length === 2) both.resolve()
      await new Promise(() => undefined)
    }
    const busy = await first.join({ ...membership, consume }, never)
    await both.promise
    const second = await (await connect(times)).join(membership, never)
    const lost = held.find((partition) => partition.lost.aborted)
    expect(second.state).toBe('assigned')
    expect(held.filter((partition) => partition.lost.aborted)).toHaveLength(1)
    expect(await lost?.commit(1)).toBe(false)
    await Promise.all([busy, second].map((member) => member.leave(AbortSignal.abort())))
  })

  it('fails for good when the file cannot be read any more', async () => {
    const path = newPath()
    const failed = Promise.withResolvers<unknown>()
    const driver = await connect({ path, sessionTimeoutMs: 200, heartbeatIntervalMs: 20 })
    await driver.ensureTopics([{ topic: 'topic', partitionCount: 1 }])
    const member = await driver.join({ ...membership, fail: failed.resolve }, never)
    open(path).execute('DROP TABLE member')
    expect(await failed.promise).toMatchObject({ code: 'internal', cause: { message: 'no such table: member' } })
    expect(member.state).toBe('failed')
    await member.leave(AbortSignal.abort())
  })

  it('shows no warning that SQLite is experimental, and every other', () => {
    const module = new URL('../sqlite-file/sqlite-database.ts', import.meta.url).href
    const script = `import { openDatabase } from '${module}'; openDatabase(':memory:').close(); process.emitWarning('other')`
    const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    })
    expect(stderr).toContain('other')
    expect(stderr).not.toContain('SQLite')
    expect(status).toBe(0)
  })
})

describe('SqliteGroup', () => {
  it('refuses the commit of an older generation in the file itself, also beside its partition', async () => {
    const path = newPath()
    const driver = await connect({ path })
    await driver.ensureTopics(['topic', 'other'].map((topic) => ({ topic, partitionCount: 1 })))
    const file = open(path)
    const group = new SqliteGroup(file, SqliteGroup.create(file, 'group'))
    const joining = { topics: ['topic'], sessionTimeoutMs: 1_000, space: 'elsewhere', processId: 1 }
    const first = file.transaction(() => group.join(joining))
    const second = file.transaction(() => group.join(joining))
    const [claim] = group.claimsOf(first) ?? []
    const holding = { memberId: first, logId: claim?.logId ?? 0, generation: claim?.generation ?? 0 }
    const older = { ...holding, generation: holding.generation - 1 }
    const logIds = { own: holding.logId, other: holding.logId + 1 }
    const commit = (by: typeof holding, logId: number, nextOffset: number) =>
      file.transaction(() => group.commit(by, { logId, nextOffset }))
    for (const logId of Object.values(logIds)) expect(commit(holding, logId, 5)).toBe(true)
    for (const logId of Object.values(logIds)) expect(commit(older, logId, 6)).toBe(false)
    file.transaction(() => group.remove([first]))
    for (const logId of Object.values(logIds)) expect(commit(holding, logId, 7)).toBe(false)
    expect(group.claimsOf(first)).toBeUndefined()
    // What was committed beside the partition belongs to nobody.
    expect(group.claimsOf(second)).toMatchObject([{ nextOffset: 5, generation: holding.generation + 2 }])
    expect(await driver.describe('other', 'group')).toMatchObject([{ committedOffset: 5 }])
  })
})

const never = new AbortController().signal
const bound = { timeoutMs: 20_000 }
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const membership = { group: 'group', topics: ['topic'], log: silent, consume: letGo, fail: () => undefined }

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'queue.db')
}

async function connect(options: Partial<SqliteDriverOptions> = {}): Promise<QueueDriver> {
  const driver = sqliteDriver({ path: options.path ?? newPath(), partitionCount: 1, ...options })
  await driver.connect({ clientId: 'test' })
  onTestFinished(() => driver.close())
  return driver
}

function open(path: string) {
  const database = openDatabase(path)
  onTestFinished(() => database.close())
  return database
}

function produce(driver: QueueDriver, values: readonly string[]): Promise<void> {
  const records = values.map((value) => ({ topic: 'topic', key: null, value: Buffer.from(value), headers: [] }))
  return driver.produce(records, bound)
}

/** A member, its partition with what was there to read, and its later assignments. */
async function read(driver: QueueDriver) {
  const partitions: AssignedPartition[] = []
  const changed = new Set<() => void>()
  const consume = async (partition: AssignedPartition) => {
    partitions.push(partition)
    for (const wake of changed) wake()
    await letGo(partition)
  }
  const assigned = async (count: number): Promise<AssignedPartition> => {
    for (;;) {
      const partition = partitions[count - 1]
      if (partition) return partition
      await new Promise<void>((resolve) => changed.add(resolve))
    }
  }
  const member = await driver.join({ ...membership, consume }, never)
  const partition = await assigned(1)
  const records: readonly ReceivedRecord[] = await partition.fetch()
  return { member, partition, records, assigned }
}

function letGo({ revoked }: AssignedPartition): Promise<void> {
  if (revoked.aborted) return Promise.resolve()
  return new Promise((resolve) => revoked.addEventListener('abort', () => resolve(), { once: true }))
}
