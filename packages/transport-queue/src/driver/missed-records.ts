import type { AssignedPartition, Membership } from '../queue-driver.ts'

/** Tells of a group that goes on at the oldest record of a partition because those are gone that it had not handled, or all that were there. */
export function tellMissed(
  { log, group }: Pick<Membership, 'log' | 'group'>,
  { topic, partition }: Pick<AssignedPartition, 'topic' | 'partition'>,
  { from, oldest }: MissedRecords,
): void {
  const facts = { group, topic, partition, offset: from, oldestOffset: oldest }
  if (from < oldest)
    log.warn(
      { ...facts, missedCount: oldest - from },
      'messages were gone before they were handled; goes on at the oldest',
    )
}

export interface MissedRecords {
  /** Where the group would have gone on. */
  readonly from: number
  readonly oldest: number
}
