/**
 * Figures of the SQLite driver, each part in processes of its own:
 * `npx -c 'node --conditions=@tenon/source packages/transport-queue/src/driver/sqlite/sqlite.test-figures.ts'`
 */
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { AssignedPartition, QueueDriver } from '../../queue-driver.ts'
import { sqliteDriver } from './sqlite-driver.ts'

const topic = 'figures'
const perSecond = Number(process.env['RATE'] ?? 6_000)
const seconds = Number(process.env['SECONDS'] ?? 10)
const synchronous = process.env['SYNCHRONOUS'] === 'full' ? 'full' : 'normal'
const [, , role, path = ''] = process.argv

const only = process.env['ONLY'] ?? ''
const roles: Readonly<Record<string, () => Promise<void>>> = { produce, consume, burst, idle, hold, locked }

async function main(): Promise<void> {
  for (const [name, parts] of Object.entries({
    [`paced, ${perSecond}/s of 1 KiB`]: ['consume', 'produce'],
    'as fast as it goes': ['consume', 'burst'],
    'idle consumer, 10 s': ['idle'],
    'produce while another process holds the lock for 1 s': ['locked', 'hold'],
  })) {
    if (!name.includes(only)) continue
    const folder = mkdtempSync(join(tmpdir(), 'tenon-figures-'))
    const file = join(folder, 'queue.db')
    await (await connect(file)).close()
    const running = parts.map((part) => {
      const child = fork(import.meta.filename, [part, file], { execArgv: process.execArgv })
      return new Promise((resolve) => child.once('exit', resolve))
    })
    say(`-- ${name}`)
    await Promise.all(running)
    rmSync(folder, { recursive: true })
  }
}

async function connect(file = path): Promise<QueueDriver> {
  const driver = sqliteDriver({ path: file, synchronous })
  await driver.connect({ clientId: 'figures' })
  await driver.ensureTopics([{ topic, partitionCount: 4 }])
  return driver
}

/** Sends at a fixed rate, whatever comes back. */
async function produce(): Promise<void> {
  const driver = await connect()
  await delay(500)
  const measured = measure()
  const begunAt = performance.now()
  const sending: Promise<void>[] = []
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - begunAt) * perSecond) / 1000))
    for (; sent < due; sent++) sending.push(send(driver, sent))
    await delay(1)
  }
  await Promise.all(sending)
  say(`producer: ${measured()}`)
  await send(driver, -1)
  await driver.close()
}

async function burst(): Promise<void> {
  const driver = await connect()
  await delay(500)
  const count = 100_000
  const measured = measure()
  const begunAt = performance.now()
  let sent = 0
  const worker = async () => {
    while (sent < count) await send(driver, sent++)
  }
  await Promise.all(Array.from({ length: 500 }, worker))
  say(`producer: ${Math.round(count / ((performance.now() - begunAt) / 1000))}/s; ${measured()}`)
  await send(driver, -1)
  await driver.close()
}

async function locked(): Promise<void> {
  const driver = await connect()
  await send(driver, 0)
  const measured = measure()
  const endsAt = performance.now() + 4_000
  let most = 0
  while (performance.now() < endsAt) {
    const begunAt = performance.now()
    await send(driver, 1)
    most = Math.max(most, performance.now() - begunAt)
  }
  say(`slowest publish ${most.toFixed(0)} ms; ${measured()}`)
  await driver.close()
}

async function hold(): Promise<void> {
  await delay(1_500)
  const database = new DatabaseSync(path, { timeout: 1_000 })
  database.exec('BEGIN IMMEDIATE')
  await delay(1_000)
  database.exec('COMMIT')
  database.close()
}

async function idle(): Promise<void> {
  const driver = await connect()
  const member = await joinGroup(driver, async (partition) => void (await partition.fetch()))
  await delay(500)
  const measured = measure(1_000)
  await delay(10_000)
  say(measured())
  await member.leave(AbortSignal.abort())
  await driver.close()
}

/** Reads until the last message, and says how long they took. */
async function consume(): Promise<void> {
  const driver = await connect()
  const latencies: number[] = []
  const done = Promise.withResolvers<void>()
  const member = await joinGroup(driver, async (partition) => {
    while (!partition.revoked.aborted) {
      let next = 0
      for (const { offset, value } of await partition.fetch()) {
        next = offset + 1
        const text = Buffer.from(value ?? []).toString('latin1', 0, 40)
        const [index = '', sentAt = ''] = text.split(' ')
        if (index === '-1') done.resolve()
        else latencies.push(performance.timeOrigin + performance.now() - Number(sentAt))
      }
      if (next > 0) commitSoon(partition, next)
    }
  })
  const measured = measure()
  await done.promise
  await delay(300)
  latencies.sort((one, other) => one - other)
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(1)
  say(
    `consumer: ${latencies.length} messages, p50 ${at(0.5)} p99 ${at(0.99)} p99.9 ${at(0.999)} max ${at(0.999999)} ms; ${measured()}`,
  )
  await member.leave(AbortSignal.abort())
  await driver.close()
}

const commits = new Map<AssignedPartition, number>()
function commitSoon(partition: AssignedPartition, next: number): void {
  if (!commits.has(partition))
    setTimeout(() => {
      const upTo = commits.get(partition) ?? 0
      commits.delete(partition)
      void partition.commit(upTo)
    }, 200)
  commits.set(partition, next)
}

function joinGroup(driver: QueueDriver, consumeOne: (partition: AssignedPartition) => Promise<void>) {
  const membership = { group: 'figures', topics: [topic], log: silent, consume: consumeOne, fail: say }
  return driver.join(membership, new AbortController().signal)
}

const padding = 'x'.repeat(1_000)
function send(driver: QueueDriver, index: number): Promise<void> {
  const value = Buffer.from(`${index} ${performance.timeOrigin + performance.now()} ${padding}`.slice(0, 1_024))
  const key = Buffer.from(`k${index % 100}`)
  return driver.produce([{ topic, key, value, headers: [] }], { timeoutMs: 10_000 })
}

/** Watching the event loop costs some percent of a core, so that the idle part does without. */
function measure(resolution = 1): () => string {
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  const cpu = process.cpuUsage()
  const begunAt = performance.now()
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    const share = (user + system) / 10 / (performance.now() - begunAt)
    const ms = (ns: number) => (ns / 1e6).toFixed(1)
    return `loop p99 ${ms(histogram.percentile(99))} max ${ms(histogram.max)} ms, CPU ${share.toFixed(2)} %`
  }
}

function say(text: unknown): void {
  process.stdout.write(`${String(text)}\n`)
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

await (role === undefined ? main() : roles[role]?.())
