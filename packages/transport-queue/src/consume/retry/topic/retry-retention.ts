import { type Logger, ServiceError } from '@tenon/core/transport'
import type { QueueSettings } from '../../../queue-options.ts'
import type { GroupedConsumer } from '../../plan/consumer-plan.ts'
import type { SharedProgress } from './shared-progress.ts'

export interface RetentionSurroundings {
  /** Where messages are set aside. */
  readonly topic: string
  readonly consumer: Pick<GroupedConsumer, 'settings'>
  readonly settings: Pick<QueueSettings, 'driver' | 'maxDelayMs'>
  readonly log: Logger
  readonly progress: Pick<SharedProgress, 'isFirst' | 'unanswered'>
}

/** How long one is created to keep it: also while nobody reads it. */
export function createdMs(surroundings: Pick<RetentionSurroundings, 'consumer' | 'settings'>): number {
  return Math.max(leastMs, neededMs(surroundings) + reserveMs)
}

/** Says, once for all partitions, that a topic loses what is set aside before it is done with. Never rejects. */
export async function checkRetention(surroundings: RetentionSurroundings): Promise<void> {
  const { topic, settings, log, progress } = surroundings
  if (!progress.isFirst(topic)) return
  // Who may not look at its settings knows nothing of them; a broker that is away is asked again by the next assignment.
  const retention = await settings.driver.retentionOf?.(topic).catch((error: unknown) => {
    if (ServiceError.is(error) && error.code === 'unavailable') progress.unanswered(topic)
  })
  if (retention === undefined) return
  const { keptMs, isCompacted } = retention
  const leastKeptMs = neededMs(surroundings)
  const lost = `and messages that are set aside may be lost: give it cleanup.policy=delete and retention.ms of ${leastKeptMs} at least`
  if (isCompacted) log.warn({ topic }, `topic ${topic} is compacted, ${lost}`)
  else if (keptMs < leastKeptMs)
    log.warn({ topic, keptMs }, `topic ${topic} keeps its records for ${keptMs} ms, ${lost}`)
}

/** How long a retry topic has to keep what is set aside: until its last attempt, or until it is due. */
function neededMs({ consumer, settings }: Pick<RetentionSurroundings, 'consumer' | 'settings'>): number {
  const { maxAgeMs, maxDelayMs } = consumer.settings.retry
  return maxAgeMs + maxDelayMs + settings.maxDelayMs
}

/** What Kafka keeps if nobody set it otherwise. @see Kafka broker setting log.retention.hours */
const leastMs = 7 * 86_400_000
/** A guess. */
const reserveMs = 86_400_000
