import type { RetryPartition } from '../retry-partition.ts'

/** Stores anew how far a partition is until it is given up, for brokers that forget it; a minute later where that failed. */
export function keepCommit(partition: Pick<RetryPartition, 'storeAnew' | 'revoked'>): void {
  const { revoked } = partition
  let timer: NodeJS.Timeout | undefined
  const keep = async () => {
    const isStored = await partition.storeAnew().catch(() => false)
    if (!revoked.aborted) timer = setTimeout(() => void keep(), isStored ? keptMs : againMs).unref()
  }
  if (revoked.aborted) return
  revoked.addEventListener('abort', () => clearTimeout(timer), { once: true })
  void keep()
}

/** @see KIP-211: seven days by default */
const keptMs = 6 * 3_600_000
/** A guess. */
const againMs = 60_000
