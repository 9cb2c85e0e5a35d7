import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, onTestFinished } from 'vitest'
import type { QueueDriver } from '../../queue-driver.ts'
import { driverSuite } from '../driver-suite.ts'
import { sqliteDriver } from './sqlite-driver.ts'

describe('sqliteDriver', () => {
  it.each(driverSuite)('$name', async ({ run }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-queue-'))
    const drivers: QueueDriver[] = []
    onTestFinished(async () => {
      await Promise.all(drivers.map((driver) => driver.close()))
      rmSync(folder, { recursive: true })
    })
    const connect = async () => {
      const driver = sqliteDriver({ path: join(folder, 'queue.db') })
      drivers.push(driver)
      await driver.connect({ clientId: 'test' })
      return driver
    }
    await run({ connect, unique: (name) => name })
  })
})
