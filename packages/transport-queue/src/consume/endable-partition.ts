import type { AssignedPartition } from '../queue-driver.ts'

/** A partition that can also be given up from our side. */
export interface EndablePartition {
  readonly partition: AssignedPartition
  /** Lets it be given up as if it were revoked. */
  end(): void
}

export function endablePartition(given: AssignedPartition): EndablePartition {
  const ending = new AbortController()
  const partition = {
    topic: given.topic,
    partition: given.partition,
    revoked: AbortSignal.any([given.revoked, ending.signal]),
    lost: given.lost,
    fetch: () => given.fetch(),
    commit: (nextOffset: number) => given.commit(nextOffset),
  }
  return { partition, end: () => ending.abort() }
}
