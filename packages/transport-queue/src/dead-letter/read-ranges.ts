import type { QueueDriver, ReadBound, ReceivedRecord } from '../queue-driver.ts'

/** What is to be read of a topic: for each partition from an offset on, up to another that is not read any more. */
export interface RangesToRead extends ReadBound {
  readonly topic: string
  readonly ranges: ReadonlyMap<number, OffsetRange>
  /** As that of `RecordRange`. @defaultValue false */
  readonly isWhole?: boolean
}

export interface OffsetRange {
  readonly fromOffset: number
  readonly toOffset: number
}

/**
 * Hands on the records of ranges, those of one partition in their order, each once. Resolves to whether they were read to their ends,
 * which the signal keeps them from.
 *
 * @throws ServiceError as `QueueDriver.read`.
 */
export async function readRanges(
  driver: QueueDriver,
  { topic, ranges, isWhole = false, ...bound }: RangesToRead,
  visit: (record: ReceivedRecord) => void,
): Promise<boolean> {
  const waiting = [...ranges].filter(([, { fromOffset, toOffset }]) => fromOffset < toOffset)
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [partition, range] = next
      for await (const records of driver.read({ topic, partition, ...range, isWhole }, bound)) records.forEach(visit)
    }
  }
  try {
    await Promise.all(Array.from({ length: readAtOnceCount }, work))
  } finally {
    // Where one fails, the others begin no more.
    waiting.length = 0
  }
  return bound.signal?.aborted !== true
}

/** A partition may take a connection. A guess. */
const readAtOnceCount = 4
