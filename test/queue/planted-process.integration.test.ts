import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import type { DriverName, InstancePlant } from './process/instance-environment.ts'
import { failingPlan } from './process/load.ts'
import { kafkaAbsence } from './process/process-broker.ts'
import { ProcessGroup, type ProcessGroupOptions } from './process/process-group.ts'

const timeout = 120_000
/** So small that messages are set aside. */
const maxUncommittedCount = 8
const isLongRun = process.env['TENON_FAULT_RUNS'] !== undefined
const absence = isLongRun ? kafkaAbsence() : 'a long run, without TENON_FAULT_RUNS'

/** Mistakes with messages that are set aside. Each lets what follows one of them be handled before it. */
const plants: readonly InstancePlant[] = ['dropped_fence', 'follower_first', 'parked_elsewhere']
/** One shows that the journals of processes tell it. */
const shortPlants = plants.slice(0, 1)

test('finds in processes that more is handled than may come again', { timeout }, async () => {
  await using group = await openGroup('sqlite', { plant: 'late_commits' })
  await group.add()
  using load = group.startLoad(200)
  await group.handled(800)
  await load.stop()
  const { violations } = await group.finish()
  expect(new Set(violations.map(({ rule }) => rule))).toEqual(new Set(['beyond_bound']))
})

test.each(isLongRun ? plants : shortPlants)('finds %s in processes on one file', { timeout }, (plant) =>
  findOvertaken('sqlite', plant),
)

test.skipIf(!isLongRun)('finds nothing in processes that make no mistake, on one file', { timeout }, () =>
  findNothing('sqlite'),
)

describe.skipIf(absence)(`on Kafka${absence ? ` (skipped: ${absence})` : ''}`, () => {
  test.each(plants)('finds %s in processes', { timeout }, (plant) => findOvertaken('platformatic', plant))

  test('finds nothing in processes that make no mistake', { timeout }, () => findNothing('platformatic'))
})

async function findOvertaken(driver: DriverName, plant: InstancePlant): Promise<void> {
  await using group = await openGroup(driver, { plant, maxUncommittedCount })
  await handOver(group)
  const { violations } = await group.judge()
  expect(violations.map(({ rule }) => rule)).toContain('overtaken')
}

async function findNothing(driver: DriverName): Promise<void> {
  await using group = await openGroup(driver, { maxUncommittedCount })
  await handOver(group)
  const { violations, parkedCount } = await group.finish()
  expect(violations).toEqual([])
  expect(parkedCount).toBeGreaterThan(0)
}

/** A member under load hands all partitions on while messages are set aside. */
async function handOver(group: ProcessGroup): Promise<void> {
  const first = await group.add()
  using load = group.startLoad(200, failingPlan)
  await group.setAside(1)
  await group.add()
  await group.stop(first)
  await group.handled(50)
  await load.stop()
}

async function openGroup(
  driver: DriverName,
  options: Pick<ProcessGroupOptions, 'plant' | 'maxUncommittedCount'>,
): Promise<ProcessGroup> {
  const folder = await temporaryFolder()
  const target = driver === 'sqlite' ? join(folder, 'queue.db') : (process.env['KAFKA_BROKERS'] ?? '')
  const broker = { driver, target, sessionTimeoutMs: 6_000 }
  return ProcessGroup.open({ broker, folder, prefix: `planted-${randomBytes(4).toString('hex')}`, ...options })
}
