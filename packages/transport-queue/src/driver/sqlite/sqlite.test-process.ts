/** A process of the integration tests: `<role> <path> <topic>`. It tells its parent what it does, and is told what to do. */
import { appendFileSync } from 'node:fs'
import type { AssignedPartition } from '../../queue-driver.ts'
import { openDatabase } from '../sqlite-file/sqlite-database.ts'
import { sqliteDriver } from './sqlite-driver.ts'

/** What a process tells. */
export type Told =
  | { readonly is: 'ready' }
  /** A message was handled, which is written where the parent finds it. */
  | { readonly is: 'handled' }
  | { readonly is: 'committed'; readonly isStored: boolean }

const [, , role, path = '', topic = ''] = process.argv
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Holds the file's lock in the middle of a transaction, until it is told to go on. */
function hold(): void {
  const database = openDatabase(path)
  database.execute('BEGIN IMMEDIATE')
  database.execute("INSERT INTO topic (name) VALUES ('of a transaction that has not ended')")
  process.once('message', () => {
    database.execute('ROLLBACK')
    database.close()
    process.disconnect()
  })
  tell({ is: 'ready' })
}

/** Owns partitions, handles nothing, and commits when it is told to, after blocking the event loop for the milliseconds that it is told. */
async function own(): Promise<void> {
  const owned: AssignedPartition[] = []
  await joinGroup(async (partition) => {
    owned.push(partition)
    await new Promise((resolve) => partition.revoked.addEventListener('abort', resolve, { once: true }))
  })
  process.on('message', (blockMs) => {
    const until = performance.now() + Number(blockMs)
    while (performance.now() < until);
    const partition = owned.find(({ revoked }) => !revoked.aborted) ?? owned[0]
    void partition?.commit(1).then((isStored) => tell({ is: 'committed', isStored }))
  })
  tell({ is: 'ready' })
}

/** Writes the effect of each message to a file, and commits after every tenth. */
async function consume(): Promise<void> {
  await joinGroup(async (partition) => {
    while (!partition.revoked.aborted) {
      let uncommittedCount = 0
      let next = 0
      for (const { key, value, offset } of await partition.fetch()) {
        if (partition.revoked.aborted) break
        appendFileSync(`${path}.effects`, `${String(Buffer.from(key ?? []))} ${String(Buffer.from(value ?? []))}\n`)
        tell({ is: 'handled' })
        // A handler gives others their turn; otherwise nothing could happen between two messages.
        await new Promise((resolve) => setImmediate(resolve))
        next = offset + 1
        uncommittedCount++
        if (uncommittedCount % 10 === 0) await partition.commit(next)
      }
      if (next > 0) await partition.commit(next)
    }
  })
  tell({ is: 'ready' })
}

async function joinGroup(work: (partition: AssignedPartition) => Promise<void>): Promise<void> {
  const driver = sqliteDriver({ path, sessionTimeoutMs: 1_500, heartbeatIntervalMs: 100 })
  await driver.connect({ clientId: 'child' })
  const membership = { group: 'group', topics: [topic], log: silent, consume: work, fail: end }
  await driver.join(membership, new AbortController().signal)
}

function end(error: unknown): void {
  throw error
}

function tell(what: Told): void {
  process.send?.(what)
}

process.on('disconnect', () => process.exit())
const roles: Readonly<Record<string, () => void | Promise<void>>> = { hold, own, consume }
await roles[role ?? '']?.()
