import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Child } from '../child.ts'
import type { Figure } from '../figure.ts'
import type { Turn, TurnResult } from '../server/queue-turn.ts'
import { spreadOf } from '../statistic.ts'
import { groupOf, measureTurns, turnFigures, warmUpCount } from './queue-turns.ts'

const topic = 'tenon.bench'
const messageCount = 30_000
/** The rate at which the latency of the file is judged. */
const perSecond = 5_000

/** Publishing and consuming in one process, over the broker in its memory. */
export async function measureQueueMemory(roundCount: number): Promise<readonly Figure[]> {
  const programs = [
    { name: 'Tenon in memory', path: 'dist/server/queue-memory', environment: { BENCH_DRIVER: 'memory' } },
  ]
  const rounds = await measureTurns({ topic, programs, messageCount, roundCount })
  return turnFigures('publish and consume', programs, rounds)
}

/** One process publishes into a file, another one consumes: as fast as it goes, and at a fixed rate. */
export async function measureQueueFile(roundCount: number): Promise<readonly Figure[]> {
  const fast: FileRound[] = []
  const paced: FileRound[] = []
  while (fast.length < roundCount) {
    fast.push(await measureFile({ messageCount }))
    paced.push(await measureFile({ messageCount, perSecond }))
  }
  const name = 'Tenon in a file'
  const each = (rounds: readonly FileRound[], pick: (round: FileRound) => number) => spreadOf(rounds.map(pick))
  const paceTitle = `end to end at ${perSecond}/s: ${name}`
  return [
    { name: `consume: ${name}`, unit: 'µs CPU/message', spread: each(fast, (round) => round.consumeMicroseconds) },
    { name: `consume: ${name}`, unit: 'messages/s', spread: each(fast, (round) => round.perSecond) },
    { name: `produce: ${name}`, unit: 'µs CPU/message', spread: each(fast, (round) => round.produceMicroseconds) },
    { name: `produce: ${name}`, unit: 'messages/s', spread: each(fast, (round) => round.producedPerSecond) },
    {
      name: `${name}, two processes: ${perSecond} messages/s as a share of what passes`,
      unit: '×',
      spread: each(fast, (round) => perSecond / round.perSecond),
      target: 1,
    },
    { name: paceTitle, unit: 'ms p50', spread: each(paced, ({ p50Ms }) => p50Ms) },
    { name: paceTitle, unit: 'ms p99', spread: each(paced, ({ p99Ms }) => p99Ms), target: 20 },
  ]
}

interface FileRound {
  readonly consumeMicroseconds: number
  readonly produceMicroseconds: number
  readonly perSecond: number
  readonly producedPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Every round has a fresh file and fresh processes, each on a core of its own; turns before warm both up. */
async function measureFile(load: { readonly messageCount: number; readonly perSecond?: number }): Promise<FileRound> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'))
  try {
    const environment = { BENCH_TOPIC: topic, BENCH_DRIVER: 'sqlite', BENCH_FILE: join(folder, 'queue.db') }
    await using consumer = await Child.start('dist/server/queue-tenon-consume', { environment })
    await using producer = await Child.start('dist/server/queue-tenon-produce', { environment, core: 1 })
    const turn = { topic, group: groupOf(topic), ...load }
    for (let warmUp = 0; warmUp < warmUpCount; warmUp++) await passOn(turn, { producer, consumer })
    const { produced, consumed } = await passOn(turn, { producer, consumer })
    return {
      consumeMicroseconds: consumed.cpuMicroseconds / load.messageCount,
      produceMicroseconds: produced.cpuMicroseconds / load.messageCount,
      perSecond: load.messageCount / consumed.seconds,
      producedPerSecond: load.messageCount / produced.seconds,
      p50Ms: consumed.p50Ms,
      p99Ms: consumed.p99Ms,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What one produces, the other consumes; the group goes on where it was. */
async function passOn(turn: Turn, { producer, consumer }: { readonly producer: Child; readonly consumer: Child }) {
  const produced = Promise.withResolvers<TurnResult>()
  const consumed = await consumer.turn(turn, async () => produced.resolve(await producer.turn(turn)))
  return { produced: await produced.promise, consumed }
}
