import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/own-process.ts'
import { tell, toText } from './model/tally.ts'
import { type Fault, faults, sessionTimeoutMs } from './process/faults.ts'
import type { BrokerPlace, DriverName } from './process/instance-environment.ts'
import { clusterAbsence, type KafkaCluster, startCluster } from './process/kafka-cluster.ts'
import { kafkaClients } from './process/process-broker.ts'
import { failingPlan } from './process/load.ts'
import { ProcessGroup } from './process/process-group.ts'

/** How often each fault happens to each driver; without it none does, since a run takes minutes. */
const givenCount = process.env['TENON_FAULT_RUNS']
const runCount = Number(givenCount)
/** How often a fault comes in one run. */
const faultCount = Number(process.env['TENON_FAULTS'] ?? 1)
const absence = givenCount === undefined ? 'a long run, without TENON_FAULT_RUNS' : clusterAbsence()
const cases = kafkaClients.flatMap((driver) => faults.map((fault) => [driver, fault.name, fault] as const))

describe.skipIf(absence)(`Kafka with faults${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let cluster: KafkaCluster
  beforeAll(async () => void (cluster = await startCluster(3)), 120_000)
  afterAll(async () => cluster[Symbol.asyncDispose](), 60_000)

  const timeout = runCount * (120_000 + faultCount * 60_000)
  test.each(cases)('%s: %s, and nothing is lost or out of order', { timeout }, async (driver, _name, fault) => {
    for (let run = 0; run < runCount; run++) await play(driver, fault, cluster)
  })
})

/** So small that messages are set aside. */
const maxUncommittedCount = 8

/** A group of three processes under load, to which the fault happens now and then. */
async function play(driver: DriverName, fault: Fault, cluster: KafkaCluster): Promise<void> {
  const folder = await temporaryFolder()
  const broker: BrokerPlace = { driver, target: cluster.brokers, sessionTimeoutMs }
  const prefix = `fault-${randomBytes(4).toString('hex')}`
  await using group = await ProcessGroup.open({ broker, folder, prefix, maxUncommittedCount })
  await Promise.all([group.add(), group.add(), group.add()])
  using load = group.startLoad(100, failingPlan)
  for (let count = 0; count < faultCount; count++) {
    await group.handled(50)
    await group.setAside(1)
    await fault.run({ group, cluster, random: Math.random })
  }
  await load.stop()
  const { violations, messageCount, parkedCount, duplicates, assignmentCount } = await group.finish()
  const counts = `${messageCount} messages, ${parkedCount} set aside, ${load.failedCount} refused to their sender, ${assignmentCount} assignments`
  tell(`${driver}: ${fault.name} (${faultCount}): ${counts}; handled twice: ${toText(duplicates)}`)
  expect(violations).toEqual([])
  expect(parkedCount).toBeGreaterThanOrEqual(faultCount)
}
