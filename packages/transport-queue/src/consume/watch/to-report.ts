import type { TopicConsumer } from '../plan/consumer-plan.ts'
import type { ConsumerReport } from './consumer-report.ts'
import type { TopicLag } from './topic-lag.ts'
import type { WatchedLoop } from './watched-loop.ts'

/** What a report on one topic is made of. */
export interface ReportFacts
  extends Pick<
    ConsumerReport,
    'connection' | 'state' | 'failure' | 'joiningSinceAt' | 'isHeld' | 'parkedCount' | 'haltedCount' | 'stalls'
  > {
  readonly consumer: TopicConsumer
  readonly lag: TopicLag | undefined
  /** Of the partitions of the topic that are read here. */
  readonly loops: readonly ReportedLoop[]
  readonly now: number
}

type ReportedLoop = Pick<WatchedLoop, 'partition' | 'oldest'> & {
  /** When its oldest message was produced. */
  readonly oldestAt: number | undefined
}

export function toReport({ consumer, lag, loops, now, ...facts }: ReportFacts): ConsumerReport {
  const { group, topic, handler, batch } = consumer
  const oldest = loops.flatMap((loop) => loop.oldest ?? [])
  const producedAt = loops.flatMap(({ oldestAt }) => oldestAt ?? [])
  const oldestAt = producedAt.length > 0 ? Math.min(...producedAt) : undefined
  return {
    ...facts,
    group,
    topic,
    handler,
    batch: batch && { maxCount: batch.maxCount, maxWaitMs: batch.maxWaitMs },
    state: facts.stalls.length > 0 || facts.joiningSinceAt !== undefined ? 'stalled' : facts.state,
    partitions: loops.map(({ partition: { partition } }) => partition).toSorted((one, other) => one - other),
    ...(lag?.known ?? unknownLag),
    oldestAgeMs: oldestAt === undefined ? undefined : Math.max(0, now - oldestAt),
    oldest: oldest.toSorted((one, other) => one.partition - other.partition),
    stalls: facts.stalls.toSorted((one, other) => one.partition - other.partition),
  }
}

const unknownLag = { lagCount: undefined, lagReadAt: undefined, isLagCurrent: false }
