import type { ReceivedRecord } from '../../queue-driver.ts'

/** Which messages of a partition were begun, are done with, and are committed. */
export interface MessageOffsets {
  /** How many messages were begun and are not committed: what comes again if the process dies now. */
  readonly uncommittedCount: number
  /** How many of those could be committed. */
  readonly committableCount: number
  /** How many were handled behind one that is not done with, less what was set aside there. */
  readonly aheadCount: number
  /** The oldest message that is not done with. */
  readonly oldest: OpenOffset | undefined
  /** The oldest that was begun and is not committed. */
  readonly uncommitted: OpenOffset | undefined
  /** Give what this returns to `finish`. */
  begin(message: BegunMessage, takenAt?: number): OpenOffset
  /** The offset before which all is done with now; undefined when that has not changed. */
  finish(begun: OpenOffset, how?: OffsetEnd): number | undefined
  /** All before the offset is committed. */
  commit(nextOffset: number): void
}

/** How a message is done with. */
export type OffsetEnd = 'handled' | 'set aside' | 'followed'

/** A message that begins. */
export interface BegunMessage extends Pick<ReceivedRecord, 'offset' | 'timestampAt'> {
  /** Where it lay before it was set aside. @defaultValue where it lies */
  readonly sourceOffset?: number
}

/** A message that was begun. It is not the message itself, which is let go of before it is committed. */
export interface OpenOffset {
  readonly offset: number
  /** Where it lay before it was set aside; the same for one that was not. */
  readonly sourceOffset: number
  /** When it was produced and when it was begun, in epoch milliseconds. */
  readonly timestampAt: number
  readonly takenAt: number
  /** The rest is kept by who keeps the offsets: what it counts for, behind one that is not done with. */
  aheadCount: number
  isFinished: boolean
}

/** A message as it begins, done with or not. */
export function toOpenOffset(
  { offset, timestampAt, sourceOffset = offset }: BegunMessage,
  takenAt: number,
): OpenOffset {
  return { offset, sourceOffset, timestampAt, takenAt, aheadCount: 0, isFinished: false }
}
