import type { AssignedPartition } from '../queue-driver.ts'
import { changedPartition } from './changed-partition.ts'

/** A partition that can also be given up from our side. */
export interface EndablePartition {
  readonly partition: AssignedPartition
  /** Lets it be given up as if it were revoked. */
  end(): void
}

/** Its `revoked` is a signal of its own: one that follows several, by `AbortSignal.any`, takes longer to ask, for every message. */
export function endablePartition(given: AssignedPartition): EndablePartition {
  const ending = new AbortController()
  const end = () => ending.abort()
  if (given.revoked.aborted) end()
  given.revoked.addEventListener('abort', end, { once: true })
  const partition = changedPartition(given, { revoked: ending.signal })
  return { partition, end }
}
