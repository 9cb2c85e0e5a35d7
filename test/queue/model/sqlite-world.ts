import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { type QueueDriver, sqliteDriver } from '@tenon/transport-queue'
import { failingDriver, refusingDriver } from './failing-driver.ts'
import type { Scenario } from './scenario.ts'
import type { World } from './world.ts'

/**
 * A queue file of its own and real time. Every member has a connection of its own, as every process has. A broker that is away
 * is a file that somebody else keeps locked; a dead process is a connection that writes nothing any more.
 */
export async function sqliteWorld({ partitionCount, faults, readFailurePercent }: Scenario): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-queue-model-'))
  const path = join(folder, 'queue.db')
  const drivers = new Set<QueueDriver>()
  let lock: DatabaseSync | undefined
  const unlock = () => {
    lock?.close()
    lock = undefined
  }
  return {
    // What is set aside is stored after several tries, some seconds apart, where most of them fail.
    patienceMs: 240_000,
    // A busy machine may stand still for longer than a handler of the model takes.
    maxHandlerMs: 30_000,
    open: async () => {
      const times = { sessionTimeoutMs: 300, heartbeatIntervalMs: 30, rebalanceTimeoutMs: 1_000 }
      const driver = sqliteDriver({ path, partitionCount, ...times })
      await driver.connect({ clientId: 'model' })
      drivers.add(driver)
      // Draws of its own for each, or one would decide for the other.
      const seed = faults.seed + 2 * drivers.size
      return refusingDriver(failingDriver(driver, { ...faults, readFailurePercent, seed }), {
        ...faults,
        seed: seed + 1,
      })
    },
    stopBroker: () => {
      lock ??= lockFile(path)
    },
    startBroker: unlock,
    kill: (driver) => void driver.close(),
    evict: () => undefined,
    pass: async (durationMs) => {
      await delay(durationMs / hurry)
    },
    [Symbol.asyncDispose]: async () => {
      unlock()
      await Promise.all([...drivers].map((driver) => driver.close()))
      await rm(folder, { recursive: true })
    },
  }
}

/** Undefined when somebody is writing just now. */
function lockFile(path: string): DatabaseSync | undefined {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('BEGIN IMMEDIATE')
    return database
  } catch {
    database.close()
    return undefined
  }
}

/** The steps of a scenario come so much faster here. */
const hurry = 4
