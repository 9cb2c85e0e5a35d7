/** Where a transaction begins that was aborted, as a broker tells it with the records. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** What is asked of a batch of records. */
export interface BatchFacts {
  readonly producerId: bigint
  readonly lastOffset: bigint
  readonly isTransactional: boolean
  /** Whether it is the mark that ends a transaction. */
  readonly isControl: boolean
}

/**
 * Says of the batches of a partition, one after another, whether they are not for readers: those of transactions that were aborted, and
 * all marks.
 *
 * @see Kafka protocol guide, control batches and aborted transactions of a fetch response
 */
export function hiddenBatches(aborted: readonly AbortedTransaction[]): (batch: BatchFacts) => boolean {
  const beginnings = aborted.toSorted((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1))
  const producerIds = new Set<bigint>()
  return ({ producerId, lastOffset, isTransactional, isControl }) => {
    while (beginnings[0] !== undefined && beginnings[0].firstOffset <= lastOffset)
      producerIds.add(beginnings.shift()?.producerId ?? -1n)
    if (!isControl) return isTransactional && producerIds.has(producerId)
    // A mark ends its producer's transaction, whatever became of it.
    producerIds.delete(producerId)
    return true
  }
}
