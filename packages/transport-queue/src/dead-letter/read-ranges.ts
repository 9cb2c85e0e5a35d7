import type { QueueDriver, ReadBound, ReceivedRecord } from '../queue-driver.ts'

/** What is to be read of a topic: for each partition from an offset on, up to another that is not read any more. */
export interface RangesToRead extends ReadBound {
  readonly topic: string
  readonly ranges: ReadonlyMap<number, OffsetRange>
}

export interface OffsetRange {
  readonly fromOffset: number
  readonly toOffset: number
}

/**
 * Hands on the records of ranges, those of one partition in their order, each once. Resolves to whether they were read to their ends,
 * which the signal of the bound keeps them from.
 *
 * @throws ServiceError as `QueueDriver.read`.
 */
export async function readRanges(
  driver: QueueDriver,
  { topic, ranges, timeoutMs, signal: given }: RangesToRead,
  visit: (record: ReceivedRecord) => void,
): Promise<boolean> {
  const failed = new AbortController()
  const signal = given === undefined ? failed.signal : AbortSignal.any([failed.signal, given])
  const readOne = async ([partition, range]: readonly [number, OffsetRange]) => {
    for await (const records of driver.read({ topic, partition, ...range }, { timeoutMs, signal }))
      records.forEach(visit)
  }
  const wanted = [...ranges].filter(([, { fromOffset, toOffset }]) => fromOffset < toOffset)
  try {
    await Promise.all(wanted.map(readOne))
  } finally {
    // One that fails ends the others.
    failed.abort()
  }
  return given?.aborted !== true
}
