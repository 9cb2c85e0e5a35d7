import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@tenon/core/transport'
import { onTestFinished } from 'vitest'
import { memoryBroker } from './driver/memory/memory-broker.ts'
import { memoryDriver } from './driver/memory/memory-driver.ts'
import { sqliteDriver } from './driver/sqlite/sqlite-driver.ts'
import type { AssignedPartition, QueueDriver } from './queue-driver.ts'

/** Makes a broker of its own, and as many drivers for it as are asked for. */
export type NewBroker = (rebalanceTimeoutMs?: number) => () => QueueDriver

/** Brokers that need nothing installed. */
export const embeddedDrivers: readonly (readonly [name: string, newBroker: NewBroker])[] = [
  [
    'memory',
    (rebalanceTimeoutMs = 60_000) => {
      const broker = memoryBroker({ partitionCount: 2, revokeTimeoutMs: rebalanceTimeoutMs })
      return () => memoryDriver({ broker })
    },
  ],
  [
    'sqlite',
    (rebalanceTimeoutMs = 60_000) => {
      const path = newQueuePath()
      const times = { sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50, rebalanceTimeoutMs }
      return () => sqliteDriver({ path, partitionCount: 2, ...times })
    },
  ],
]

/** In a folder that is removed after the test. */
export function newQueuePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'queue.db')
}

/** A driver that is connected, and closed after the test. */
export async function connected(driver: QueueDriver): Promise<QueueDriver> {
  await driver.connect({ clientId: 'test' })
  onTestFinished(() => driver.close())
  return driver
}

/** A message that has its count as key and in its payload. */
export interface CountedMessage {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly timestampAt?: number
}

export function send(driver: QueueDriver, { count, ...place }: CountedMessage): Promise<void> {
  const key = String(count)
  const value = Buffer.from(JSON.stringify({ orderId: key, count }))
  return driver.produce([{ ...place, key: Buffer.from(key), value, headers: [] }], { timeoutMs: 20_000 })
}

export interface Commit {
  readonly partition: number
  readonly nextOffset: number
  readonly isStored: boolean
}

/** A driver whose assignments and commits a test can wait for. */
export function watched(driver: QueueDriver) {
  const assigned: AssignedPartition[] = []
  const commits: Commit[] = []
  const waiting = new Set<() => void>()
  const changed = () => waiting.forEach((look) => look())
  const until = <Found>(find: () => Found | undefined): Promise<Found> =>
    new Promise((resolve) => {
      const look = () => {
        const found = find()
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const watch = (partition: AssignedPartition): AssignedPartition => {
    for (const signal of [partition.revoked, partition.lost]) signal.addEventListener('abort', changed, { once: true })
    const seen: AssignedPartition = {
      topic: partition.topic,
      partition: partition.partition,
      revoked: partition.revoked,
      lost: partition.lost,
      startOffset: () => partition.startOffset(),
      fetch: () => partition.fetch(),
      commit: async (nextOffset) => {
        const isStored = await partition.commit(nextOffset)
        commits.push({ partition: partition.partition, nextOffset, isStored })
        changed()
        return isStored
      },
      commitBeside: (topic, nextOffset) => partition.commitBeside(topic, nextOffset),
    }
    assigned.push(seen)
    changed()
    return seen
  }
  const join = driver.join.bind(driver)
  Object.assign(driver, {
    join: ((membership, signal) => {
      const consume = (partition: AssignedPartition) => membership.consume(watch(partition))
      return join({ ...membership, consume }, signal)
    }) satisfies QueueDriver['join'],
  })
  return { driver, assigned, commits, until }
}

/** A log that keeps what it is told at `warn`. */
export function warnings(): { readonly log: Logger; readonly told: readonly string[] } {
  const told: string[] = []
  const log: Logger = {
    debug() {},
    info() {},
    warn: (_facts: object, message: string) => void told.push(message),
    error() {},
    child: () => log,
  }
  return { log, told }
}
