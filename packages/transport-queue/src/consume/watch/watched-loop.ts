import type { AssignedPartition } from '../../queue-driver.ts'
import type { MessageStage, OldestMessage } from './consumer-report.ts'
import type { PartitionMotion } from './partition-motion.ts'

/** What the loop over a partition shows to those who look whether it moves. */
export interface WatchedLoop {
  readonly partition: Pick<AssignedPartition, 'topic' | 'partition' | 'revoked'>
  readonly motion: Pick<PartitionMotion, 'movedAt' | 'nextOffset' | 'isFetching'>
  /** The oldest message without an outcome; undefined when it has none. */
  readonly oldest: OldestMessage | undefined
  /** Where the oldest message lies that was begun and is not committed; undefined without one. */
  readonly uncommittedOffset: number | undefined
  /** What messages wait for that are not with their handler, by offset. */
  readonly stages: ReadonlyMap<number, MessageStage>
  /** Handlers that have not ended, also those that were overtaken. */
  readonly runs: Iterable<HandlerRun>
  /** Whether it holds messages that it does not begin before more is committed. */
  readonly isAwaitingRoom: boolean
}

/** A handler at work on a message. */
export interface HandlerRun {
  readonly offset: number
  /** In epoch milliseconds. */
  readonly beganAt: number
}
