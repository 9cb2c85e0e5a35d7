import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { sqliteDriver } from './sqlite-driver.ts'
import { SqliteGroup } from './sqlite-group.ts'
import { resolveSqlite } from './sqlite-options.ts'
import { SqliteQueue } from './sqlite-queue.ts'
import type { Told } from './sqlite.test-process.ts'

const canStop = process.platform === 'win32' ? ' (skipped: Windows does not stop processes)' : ''

describe.skipIf(canStop !== '')(`sqliteDriver between processes${canStop}`, () => {
  it.each(['SIGCONT', 'SIGKILL'] as const)(
    'does without a process stopped in a transaction, until %s',
    async (signal) => {
      const path = newPath()
      const driver = await connect(path)
      await driver.ensureTopics([{ topic: 'topic', partitionCount: 1 }])
      await produce(driver, [['k', 'before']])
      const holder = await start('hold', path)
      holder.kill('SIGSTOP')
      let turnCount = 0
      const counting = setInterval(() => turnCount++, 1)
      const refused = driver.produce([record('k', 'never')], { timeoutMs: 300 })
      await expect(refused).rejects.toMatchObject({ code: 'unavailable' })
      clearInterval(counting)
      // The event loop went round all the while: far more often than a driver that waits inside SQLite would let it.
      expect(turnCount).toBeGreaterThan(10)
      expect(await driver.describe('topic', 'group')).toMatchObject([{ nextOffset: 1 }])
      const late = produce(driver, [['k', 'after']])
      holder.send('end')
      holder.kill(signal)
      await late
      expect(await driver.describe('topic', 'group')).toMatchObject([{ nextOffset: 2 }])
    },
  )

  it('gives the partitions of a stopped member to others, and refuses its late commit', async () => {
    const path = newPath()
    const driver = await connect(path)
    await driver.ensureTopics([{ topic: 'topic', partitionCount: 3 }])
    const zombie = await start('own', path)
    zombie.kill('SIGSTOP')
    const owned = new Map<number, AssignedPartition>()
    const all = Promise.withResolvers<void>()
    const joining = driver.join(
      membership(async (partition) => {
        owned.set(partition.partition, partition)
        if (owned.size === 3) all.resolve()
        await aborted(partition.revoked)
      }),
      never,
    )
    await all.promise
    await owned.get(0)?.commit(7)
    const answer = told(zombie, 'committed')
    zombie.send(0)
    zombie.kill('SIGCONT')
    expect(await answer).toMatchObject({ isStored: false })
    expect((await driver.describe('topic', 'group'))[0]).toMatchObject({ committedOffset: 7 })
    zombie.kill('SIGKILL')
    await (await joining).leave(AbortSignal.abort())
  })

  it.each([
    ['keeps', 'shorter', 600, true],
    ['loses', 'longer', 4_000, false],
  ] as const)('%s the partitions of a member that blocks its event loop for %s than its session', async (...which) => {
    const [, , blockMs, isStored] = which
    const path = newPath()
    const driver = await connect(path)
    await driver.ensureTopics([{ topic: 'topic', partitionCount: 2 }])
    const blocked = await start('own', path)
    const member = await driver.join(
      membership(({ revoked }) => aborted(revoked)),
      never,
    )
    const answer = told(blocked, 'committed')
    blocked.send(blockMs)
    expect(await answer).toMatchObject({ isStored })
    await member.leave(AbortSignal.abort())
  })

  it('keeps the partitions of a member whose handler runs for longer than its session', async () => {
    const path = newPath()
    const driver = await connect(path)
    await driver.ensureTopics([{ topic: 'topic', partitionCount: 2 }])
    const other = await start('own', path)
    const owned: AssignedPartition[] = []
    const member = await driver.join(
      membership(async (partition) => {
        owned.push(partition)
        await new Promise(() => undefined)
      }),
      never,
    )
    await beats(path, (2 * sessionTimeoutMs) / heartbeatIntervalMs)
    expect(owned.map(({ revoked }) => revoked.aborted)).toEqual([false])
    expect(await owned[0]?.commit(1)).toBe(true)
    const answer = told(other, 'committed')
    other.send(0)
    expect(await answer).toMatchObject({ isStored: true })
    await member.leave(AbortSignal.abort())
  })

  it.each([1, 2, 3])(
    'loses nothing and keeps the order of keys when consumers are killed at any moment, seed %d',
    async (seed) => {
      const path = newPath()
      const random = randomOf(seed)
      const driver = await connect(path)
      await driver.ensureTopics([{ topic: 'topic', partitionCount: 4 }])
      const done = Promise.withResolvers<void>()
      const replacing: Promise<void>[] = []
      let handledCount = 0
      let consumers: readonly ChildProcess[] = []
      const killAt = new Set(Array.from({ length: killCount }, () => Math.floor(random() * messageCount)))
      const add = async () => {
        const consumer = await start('consume', path, ({ is }) => {
          if (is !== 'handled') return
          handledCount++
          if (killAt.delete(handledCount)) replacing.push(replace().catch(done.reject))
          // What a killed process told last may not have come, but the last effect of all was told by one that lives.
          if (handledCount >= messageCount / 2 && isComplete(effectsOf(path))) done.resolve()
        })
        consumers = [...consumers, consumer]
      }
      const replace = async () => {
        const victim = consumers[Math.floor(random() * consumers.length)]
        consumers = consumers.filter((consumer) => consumer !== victim)
        victim?.kill('SIGKILL')
        await add()
      }
      const plannedKillCount = killAt.size
      await Promise.all([add(), add()])
      for (let sent = 0; sent < messageCount; sent += 20)
        await produce(
          driver,
          Array.from({ length: 20 }, (_, index) => messageOf(sent + index)),
        )
      await done.promise
      await Promise.all(replacing)
      const effects = effectsOf(path)
      expect(skipsIn(effects)).toEqual([])
      // A killed process had at most nine uncommitted messages and a running one in each partition.
      expect(effects.length - messageCount).toBeLessThanOrEqual(plannedKillCount * 4 * 10)
    },
  )
})

const messageCount = 600
const sessionTimeoutMs = 1_500
const heartbeatIntervalMs = 100
const keyCount = 12
const killCount = 4
const never = new AbortController().signal
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** The nth message of its key says n. */
function messageOf(index: number): readonly [key: string, value: string] {
  return [`k${index % keyCount}`, String(Math.floor(index / keyCount))]
}

type Effect = readonly [key: string, value: number]

function effectsOf(path: string): readonly Effect[] {
  const lines = readFileSync(`${path}.effects`, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => {
    const [key = '', value] = line.split(' ')
    return [key, Number(value)]
  })
}

function isComplete(effects: readonly Effect[]): boolean {
  return new Set(effects.map(([key, value]) => `${key} ${value}`)).size === messageCount
}

/** Effects that came before one that belongs before them. Going back is right, for then messages come again. */
function skipsIn(effects: readonly Effect[]): readonly Effect[] {
  const latest = new Map<string, number>()
  return effects.filter(([key, value]) => {
    const last = latest.get(key) ?? -1
    latest.set(key, Math.max(last, value))
    return value > last + 1
  })
}

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'queue.db')
}

/** Resolves when every member of the group has beaten so often. */
async function beats(path: string, count: number): Promise<void> {
  const settings = resolveSqlite({ path, sessionTimeoutMs, heartbeatIntervalMs })
  await using queue = await SqliteQueue.open(settings)
  const group = new SqliteGroup(queue.database, SqliteGroup.create(queue.database, 'group'))
  const first = new Map(group.signs().map(({ memberId, beat }) => [memberId, beat]))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const isDone = () => group.signs().every(({ memberId, beat }) => beat >= (first.get(memberId) ?? beat) + count)
  queue.observe({ changed: () => isDone() && resolve(), fail: reject })
  await promise
}

async function connect(path: string): Promise<QueueDriver> {
  const driver = sqliteDriver({ path, sessionTimeoutMs, heartbeatIntervalMs })
  await driver.connect({ clientId: 'test' })
  onTestFinished(() => driver.close())
  return driver
}

/** A process of the fixture, once it is ready; killed when the test has ended. */
async function start(role: string, path: string, hear: (told: Told) => void = () => undefined): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./sqlite.test-process.ts', import.meta.url))
  const child = fork(file, [role, path, 'topic'], { execArgv: ['--conditions=@tenon/source'] })
  child.on('message', hear)
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await told(child, 'ready')
  return child
}

/** Resolves with the next message of a kind. */
function told(child: ChildProcess, kind: Told['is']): Promise<Told> {
  return new Promise((resolve, reject) => {
    const listen = (message: Told) => {
      if (message.is !== kind) return
      child.off('message', listen)
      resolve(message)
    }
    child.on('message', listen)
    child.once('exit', () => reject(new Error(`the process ended before it told "${kind}"`)))
  })
}

function record(key: string, value: string) {
  return { topic: 'topic', key: Buffer.from(key), value: Buffer.from(value), headers: [] }
}

function produce(driver: QueueDriver, messages: readonly (readonly [key: string, value: string])[]): Promise<void> {
  return driver.produce(
    messages.map(([key, value]) => record(key, value)),
    { timeoutMs: 20_000 },
  )
}

function membership(consume: (partition: AssignedPartition) => Promise<void>) {
  return { group: 'group', topics: ['topic'], log: silent, consume, fail: () => undefined }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** @see mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
