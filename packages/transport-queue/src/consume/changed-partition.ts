import type { AssignedPartition } from '../queue-driver.ts'

/** A partition that does some things in another way, and the rest as the given one. */
export function changedPartition(given: AssignedPartition, change: Partial<AssignedPartition>): AssignedPartition {
  return {
    topic: given.topic,
    partition: given.partition,
    revoked: given.revoked,
    lost: given.lost,
    startOffset: () => given.startOffset(),
    fetch: () => given.fetch(),
    commit: (nextOffset) => given.commit(nextOffset),
    commitBeside: (topic, nextOffset) => given.commitBeside(topic, nextOffset),
    ...change,
  }
}
