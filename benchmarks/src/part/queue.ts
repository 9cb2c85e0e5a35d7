import { compilePeers } from '../compile.ts'
import type { Figure } from '../figure.ts'
import { type BenchTopic, openBenchTopic, storedCount } from '../load/queue-topic.ts'
import { measureQueueFile, measureQueueMemory } from './queue-embedded.ts'
import { measureIdle } from './queue-idle.ts'
import { cpuRatio, measureTurns, turnFigures, type TurnProgram, type TurnRounds } from './queue-turns.ts'

/** The libraries for Kafka, bare and below Tenon. */
const libraries = ['kafkajs', 'platformatic'] as const

const nest: TurnProgram = { name: 'NestJS 12 Kafka', path: 'peer/dist/nest-kafka-consume' }
const consumers: readonly TurnProgram[] = [
  ...libraries.flatMap((library) => [tenonOn(library, 'consume'), bare(library, 'consume')]),
  nest,
]
const producers = libraries.flatMap((library) => [tenonOn(library, 'produce'), bare(library, 'produce')])
const idlers: readonly TurnProgram[] = [
  { ...tenonOn('memory', 'consume'), name: 'Tenon in memory' },
  { ...tenonOn('sqlite', 'consume'), name: 'Tenon in a file' },
  ...consumers,
]
/** Without batching each is a request of its own, so that there are fewer of them. */
const producedCount = 5_000

/** What a message costs on Kafka, in memory and in a file, beside the bare libraries. */
export async function measureQueue(roundCount: number): Promise<readonly Figure[]> {
  await using topics = await openBenchTopic()
  await compilePeers()
  return [
    ...(await measureConsuming(topics, roundCount)),
    ...(await measureProducing(topics, roundCount)),
    ...(await measureQueueMemory(roundCount)),
    ...(await measureQueueFile(roundCount)),
    ...(await measureIdle(topics.emptyTopic, idlers, roundCount)),
  ]
}

type Role = 'consume' | 'produce'

function tenonOn(driver: string, role: Role): TurnProgram {
  return { name: `Tenon on ${driver}`, path: `dist/server/queue-tenon-${role}`, environment: { BENCH_DRIVER: driver } }
}

function bare(library: string, role: Role): TurnProgram {
  return { name: library, path: `dist/server/queue-${library}-${role}` }
}

async function measureConsuming({ topic }: BenchTopic, roundCount: number): Promise<readonly Figure[]> {
  const rounds = await measureTurns({ topic, programs: consumers, messageCount: storedCount, roundCount })
  return [
    ...turnFigures('consume', consumers, rounds),
    ...libraries.map((library) => ({ ...ratioFigure('consume', consumers, rounds, library), target: 1.15 })),
    ratioFigure('consume', consumers, rounds, nest.name),
  ]
}

async function measureProducing({ emptyTopic }: BenchTopic, roundCount: number): Promise<readonly Figure[]> {
  const topic = `${emptyTopic}.produced`
  const rounds = await measureTurns({ topic, programs: producers, messageCount: producedCount, roundCount })
  return [
    ...turnFigures('produce', producers, rounds),
    ...libraries.map((library) => ratioFigure('produce', producers, rounds, library)),
  ]
}

/** Tenon on a library beside that library alone; beside another framework Tenon on the library that this one uses, kafkajs. */
function ratioFigure(role: Role, programs: readonly TurnProgram[], rounds: TurnRounds, other: string): Figure {
  const ours = programs.some(({ name }) => name === `Tenon on ${other}`) ? `Tenon on ${other}` : 'Tenon on kafkajs'
  const [one, two] = [ours, other].map((wanted) => programs.findIndex(({ name }) => name === wanted))
  return { name: `${role}: CPU, ${ours} / ${other}`, unit: '×', spread: cpuRatio(rounds, one ?? 0, two ?? 0) }
}
