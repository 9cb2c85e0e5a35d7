import { compilePeers } from '../compile.ts'
import type { Figure } from '../figure.ts'
import { type BenchTopic, openBenchTopic, storedCount } from '../load/queue-topic.ts'
import { measureQueueFile, measureQueueMemory } from './queue-embedded.ts'
import { measureIdle } from './queue-idle.ts'
import { cpuRatio, measureTurns, turnFigures, type TurnProgram } from './queue-turns.ts'

const bare: TurnProgram = { name: 'kafkajs', path: 'dist/server/queue-kafkajs-consume' }
const consumers = [tenonConsumer('kafkajs'), bare, { name: 'NestJS 12 Kafka', path: 'peer/dist/nest-kafka-consume' }]
const producers: readonly TurnProgram[] = [
  { ...tenonConsumer('kafkajs'), path: 'dist/server/queue-tenon-produce' },
  { name: 'kafkajs', path: 'dist/server/queue-kafkajs-produce' },
]
const idlers = [
  { ...tenonConsumer('memory'), name: 'Tenon in memory' },
  { ...tenonConsumer('sqlite'), name: 'Tenon in a file' },
  ...consumers,
]
/** Each is a request of its own without batching, so that there are fewer of them. */
const producedCount = 5_000

/** What a message costs on Kafka, in memory and in a file, beside the bare libraries. */
export async function measureQueue(roundCount: number): Promise<readonly Figure[]> {
  await compilePeers()
  await using topics = await openBenchTopic()
  return [
    ...(await measureConsuming(topics, roundCount)),
    ...(await measureProducing(topics, roundCount)),
    ...(await measureQueueMemory(roundCount)),
    ...(await measureQueueFile(roundCount)),
    ...(await measureIdle(topics.emptyTopic, idlers, roundCount)),
  ]
}

function tenonConsumer(driver: string): TurnProgram {
  return { name: `Tenon on ${driver}`, path: 'dist/server/queue-tenon-consume', environment: { BENCH_DRIVER: driver } }
}

async function measureConsuming({ topic }: BenchTopic, roundCount: number): Promise<readonly Figure[]> {
  const rounds = await measureTurns({ topic, programs: consumers, messageCount: storedCount, roundCount })
  const ratio = (other: string, target?: number): Figure => ({
    name: `consume: CPU, Tenon on kafkajs / ${other}`,
    unit: '×',
    spread: cpuRatio(
      rounds,
      0,
      consumers.findIndex(({ name }) => name === other),
    ),
    ...(target !== undefined && { target }),
  })
  return [...turnFigures('consume', consumers, rounds), ratio('kafkajs', 1.15), ratio('NestJS 12 Kafka')]
}

async function measureProducing({ emptyTopic }: BenchTopic, roundCount: number): Promise<readonly Figure[]> {
  const topic = `${emptyTopic}.produced`
  const rounds = await measureTurns({ topic, programs: producers, messageCount: producedCount, roundCount })
  return [
    ...turnFigures('produce', producers, rounds),
    { name: 'produce: CPU, Tenon on kafkajs / kafkajs', unit: '×', spread: cpuRatio(rounds, 0, 1) },
  ]
}
