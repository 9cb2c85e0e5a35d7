import { errorText } from '../../error-text.ts'
import type { BatchSettings, ErrorCode } from '@tenon/core/transport'
import type { MemberState } from '../../queue-driver.ts'
import type { StalledPartition } from './stall.ts'

/** How a consumer is doing: one handler of one topic, in this process. */
export interface ConsumerReport {
  /** The name of the transport. */
  readonly connection: string
  /** Undefined for a broadcast: every process gets every message. */
  readonly group: string | undefined
  readonly topic: string
  /** The operation's id, or `consume <topic>`. */
  readonly handler: string
  /** How its messages are put together, where its handler takes several at once. */
  readonly batch: BatchSettings | undefined
  /** `joining` also while it comes back after an outage; `stalled` while one of its partitions stands still, or it was joining for too long; `failed` for good, and the service stops. */
  readonly state: MemberState
  /** Why it failed, without what could be a credential; undefined unless it did. */
  readonly failure: string | undefined
  /** Since when it is not given its partitions though the broker answers, in epoch milliseconds; undefined unless that is too long. */
  readonly joiningSinceAt: number | undefined
  /** Whether it begins no messages for now, since calls of its service have to wait (`overload`); those that have begun go on. That is no standstill. */
  readonly isHeld: boolean
  /** The partitions that this process owns; of a broadcast those that it reads. */
  readonly partitions: readonly number[]
  /**
   * Messages of the whole topic that the group has not committed, whoever owns their partitions; of a broadcast those that this process
   * has not handled. Undefined when the broker never said.
   */
  readonly lagCount: number | undefined
  /** When the broker said so, in epoch milliseconds; undefined when it never did. */
  readonly lagReadAt: number | undefined
  /** Whether the broker answered when it was last asked. False: `lagCount` is the last that is known. */
  readonly isLagCurrent: boolean
  /** Age of the oldest message that this process has taken and not come to an outcome with, in milliseconds; undefined without one. */
  readonly oldestAgeMs: number | undefined
  /** The oldest of such messages of each partition that has one, and why it has no outcome: what is behind it cannot be committed. */
  readonly oldest: readonly OldestMessage[]
  /** Messages that its partitions have set aside in the retry topic and not come to an outcome with, in this process. */
  readonly parkedCount: number
  /** Messages that its partitions have halted, set aside or not, in this process: what waits behind each waits until it is given attempts anew. */
  readonly haltedCount: number
  /** Its partitions that stand still though the broker answers, and for what; the service is not live while there are any. */
  readonly stalls: readonly StalledPartition[]
}

/** A message that its partition waits for. */
export type OldestMessage = MessageStage & { readonly partition: number; readonly offset: number }

/** Why a message has no outcome. Times are in epoch milliseconds. */
export type MessageStage =
  /** It runs, or waits for a place, since it was taken. */
  | { readonly stage: 'running'; readonly sinceAt: number }
  /** It is held back. */
  | { readonly stage: 'held'; readonly untilAt: number }
  /** It failed as often, last with the code, and is handled again from then on. */
  | { readonly stage: 'retried'; readonly attemptCount: number; readonly code: ErrorCode; readonly untilAt: number }
  /** It waits for others of its batch, and no longer than until then. */
  | { readonly stage: 'gathered'; readonly untilAt: number }
  /** Its attempts or its age are used up, and it is not handled again before it is given attempts anew; it failed as often, last with the code. */
  | { readonly stage: 'halted'; readonly attemptCount: number; readonly code: ErrorCode; readonly sinceAt: number }
  /** It is being set aside in the retry topic, or waits to be. */
  | { readonly stage: 'parked'; readonly sinceAt: number }
  /** It is being stored as a dead letter. */
  | { readonly stage: 'buried'; readonly sinceAt: number }

/** What a report tells of an error. */
export function failureText(error: unknown): string {
  return errorText(error, mostCharCount)
}

const mostCharCount = 300
