import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import type { BrokerPlace, DriverName } from './process/instance-environment.ts'
import { kafkaAbsence, kafkaDrivers } from './process/process-broker.ts'
import { ProcessGroup } from './process/process-group.ts'
import { tellPauses } from './process/pauses.ts'

const rollCount = Number(process.env['TENON_GROUP_ROLLS'] ?? 1)
const absence = kafkaAbsence()

/** Restarts every member of a group of three, one after another, so often, while messages keep coming. */
async function roll(driver: DriverName): Promise<void> {
  const folder = await temporaryFolder()
  const target = driver === 'sqlite' ? join(folder, 'queue.db') : (process.env['KAFKA_BROKERS'] ?? '')
  const broker: BrokerPlace = { driver, target, sessionTimeoutMs: 6_000 }
  await using group = await ProcessGroup.open({ broker, folder, prefix: `roll-${randomBytes(4).toString('hex')}` })
  await Promise.all([group.add(), group.add(), group.add()])
  using load = group.startLoad(100)
  await group.handled(50)
  const restarts: { readonly fromAt: number; readonly toAt: number }[] = []
  for (let count = 0; count < rollCount * 3; count++) {
    const [oldest] = group.members
    const fromAt = Date.now()
    await group.add()
    if (oldest) await group.stop(oldest)
    await group.handled(20)
    restarts.push({ fromAt, toAt: Date.now() })
  }
  await load.stop()
  const verdict = await group.finish()
  tellPauses(`${driver}: ${restarts.length} restarts`, { facts: group.journal.read(), restarts, verdict })
  expect(verdict.violations).toEqual([])
  expect(load.failedCount).toBe(0)
}

const timeout = 120_000 + rollCount * 60_000

test('a group in processes on one file is restarted under load and loses nothing', { timeout }, () => roll('sqlite'))

describe.skipIf(absence)(`on Kafka${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(kafkaDrivers)('a group is restarted under load and loses nothing, through %s', { timeout }, roll)
})
