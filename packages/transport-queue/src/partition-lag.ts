import type { PartitionProgress } from './queue-driver.ts'

/** How many records of partitions a group has not committed. What is gone by retention nobody waits for. */
export function lagOf(partitions: readonly PartitionProgress[]): number {
  return partitions.reduce(
    (sum, { earliestOffset, nextOffset, committedOffset = earliestOffset }) =>
      sum + Math.max(0, nextOffset - Math.max(committedOffset, earliestOffset)),
    0,
  )
}
