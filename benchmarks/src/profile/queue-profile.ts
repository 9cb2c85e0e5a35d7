import { openBenchTopic, storedCount } from '../load/queue-topic.ts'
import { groupOf, startTurns } from '../part/queue-turns.ts'
import { type ProfileOptions, profileChild } from './profile.ts'

const profiles = {
  'queue-kafkajs': { path: 'dist/server/queue-tenon-consume', environment: { BENCH_DRIVER: 'kafkajs' } },
  'queue-memory': { path: 'dist/server/queue-memory', environment: { BENCH_DRIVER: 'memory' } },
} as const

export type QueueProfileName = keyof typeof profiles

export const queueProfileNames = Object.keys(profiles)

export function isQueueProfileName(name: string): name is QueueProfileName {
  return Object.hasOwn(profiles, name)
}

/** Rounds before the profiler starts. */
const warmUpCount = 3

/** Where the time and the memory of a consumer go; in memory those of the publisher too. */
export async function profileQueue(name: QueueProfileName, { roundCount, path }: ProfileOptions): Promise<void> {
  const { environment, ...program } = profiles[name]
  await using opened = name === 'queue-memory' ? undefined : await openBenchTopic()
  const topic = opened?.topic ?? 'tenon.bench'
  await using child = await startTurns(path ?? program.path, topic, environment)
  const load = async (turnCount: number) => {
    for (let turn = 0; turn < turnCount; turn++)
      await child.turn({ topic, group: groupOf(topic), messageCount: storedCount })
  }
  await load(warmUpCount)
  await profileChild(child, {
    name,
    title: `${name}, ${path ?? program.path}`,
    what: 'message',
    count: storedCount * roundCount,
    load: () => load(roundCount),
  })
}
