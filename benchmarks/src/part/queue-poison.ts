import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import { removeTopicsOf } from '../load/queue-topic.ts'
import { poisonProgram, type PoisonRun } from './poison-run.ts'
import { measureFailingKeys } from './queue-failing-keys.ts'
import {
  followerCount,
  measurePoisonFollowers,
  measurePoisonHeap,
  measurePoisonThroughput,
} from './queue-poison-head.ts'

const kafkaDrivers: readonly string[] = ['kafkajs', 'platformatic']
/** What can be measured on. */
export const poisonDrivers: readonly string[] = ['memory', 'sqlite', ...kafkaDrivers]
/** Fewer would not fill the window of a partition. */
export const leastPoisonCount = 2_000

export interface PoisonOptions {
  /** Brokers to measure on. @defaultValue a file, and on Kafka with each library where KAFKA_BROKERS names one */
  readonly drivers?: readonly string[]
  /** Messages behind the poison message. @defaultValue 100_000 */
  readonly messageCount?: number
}

/** What messages that fail cost all others: one at the head of a partition, and those of one key in a hundred. */
export async function measureQueuePoison(
  roundCount: number,
  { drivers = knownDrivers(), messageCount = 100_000 }: PoisonOptions = {},
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const driver of drivers) figures.push(...(await measureDriver({ driver, messageCount, roundCount })))
  return figures
}

async function measureDriver(given: Pick<PoisonRun, 'driver' | 'messageCount' | 'roundCount'>) {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'))
  const topic = `tenon.bench.${randomUUID()}`
  const environment = (name: string) => ({
    BENCH_DRIVER: given.driver,
    BENCH_TOPIC: name,
    BENCH_FILE: join(folder, `${name}.db`),
  })
  const run: PoisonRun = { ...given, topic, environment }
  try {
    const figures = [...(await measureHead(run)), ...(await measureHotKey(run)), ...(await measureFailingKeys(run))]
    return figures.map((figure) => ({ ...figure, name: `${given.driver}: ${figure.name}` }))
  } finally {
    await rm(folder, { recursive: true })
    if (kafkaDrivers.includes(given.driver)) await removeTopicsOf(topic)
  }
}

/** All turns of the stored messages are those of one process. */
async function measureHead(run: PoisonRun): Promise<readonly Figure[]> {
  const environment = { ...run.environment(run.topic), BENCH_STORED: String(run.messageCount) }
  await using child = await Child.start(poisonProgram, { environment })
  return [...(await measurePoisonThroughput(run, child)), ...(await measurePoisonHeap(run, child))]
}

/** The same in a topic of its own. */
async function measureHotKey(run: PoisonRun): Promise<readonly Figure[]> {
  const topic = `${run.topic}.hot`
  const stored = { BENCH_STORED: String(run.messageCount), BENCH_FOLLOWERS: String(followerCount) }
  await using child = await Child.start(poisonProgram, { environment: { ...run.environment(topic), ...stored } })
  return await measurePoisonFollowers({ ...run, topic }, child)
}

function knownDrivers(): readonly string[] {
  return process.env['KAFKA_BROKERS'] ? ['sqlite', ...kafkaDrivers] : ['sqlite']
}
