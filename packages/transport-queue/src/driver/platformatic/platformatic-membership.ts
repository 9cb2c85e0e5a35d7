import type { PlatformaticGroup } from '../platformatic-wire/platformatic-group.ts'
import type { PlatformaticHoldings } from './platformatic-holdings.ts'
import type { TopicPartitions } from '../platformatic-wire/platformatic-offsets.ts'

/** What a membership works with, and whom it tells. */
export interface MembershipSurroundings {
  readonly group: PlatformaticGroup
  readonly holdings: PlatformaticHoldings
  /** Fires when the member leaves: nothing more is joined or taken, while what runs finishes and heartbeats go on. */
  readonly leaving: AbortSignal
  /** Fires when the member has left. */
  readonly ended: AbortSignal
  /** The member is in the group and has what it got. */
  joined(assignment: readonly TopicPartitions[]): void
  /** The member is about to join again, or has to find the group again. */
  joining(): void
}

/** How a member comes by its partitions. */
export interface PlatformaticMembership {
  /** Joins, and again whenever it has to, until it ends. @throws Error for a reason that no waiting mends. */
  run(): Promise<void>
  /** Tells the group that the member is gone. @throws Error when the group cannot be told. */
  leave(): Promise<void>
}

/** Part of the rebalance time-out that running messages get; the rest is for joining. A guess. */
export const revokeShare = 0.8
/** Between tries to reach the group. Guesses. */
export const retryMs = 100
export const maxRetryMs = 1_000
/** How often a topic is looked for that does not exist. A guess: about five seconds. */
export const topicAttemptCount = 10
