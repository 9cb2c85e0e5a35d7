import { ServiceError, unlessAborted } from '@tenon/core/transport'
import type { ReceivedRecord, RecordPlace } from '../queue-driver.ts'
import { wait } from '../wait.ts'
import { checkRange, type FetchedPage, isLasting, type PartitionSource } from './partition-reading.ts'

/** Reads on from a place as `QueueDriver.follow` says. */
export async function* followPartition(
  source: PartitionSource,
  from: RecordPlace,
  signal: AbortSignal,
): AsyncGenerator<readonly ReceivedRecord[], void, undefined> {
  checkRange(from)
  for (let offset = from.fromOffset; !signal.aborted; ) {
    const page = await fetchPatiently(source, offset, signal)
    if (page === undefined) return
    if (page.isOutOfRange === true) throw outOfRange(from, offset)
    const isAtEnd = page.nextOffset <= offset
    offset = Math.max(offset, page.nextOffset)
    if (page.records.length > 0) yield page.records
    else if (isAtEnd) await source.more?.(offset, signal)
  }
}

/** Tries until the broker answers; undefined when the signal fires before. @throws ServiceError for what no other try mends */
async function fetchPatiently(
  source: PartitionSource,
  offset: number,
  signal: AbortSignal,
): Promise<FetchedPage | undefined> {
  const missingUntilMs = performance.now() + (source.missingPatienceMs ?? 0)
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      return await unlessAborted(source.fetch(offset, signal), signal)
    } catch (error) {
      if (isLasting(error, missingUntilMs)) throw error
    }
    await wait(Math.min(pauseMs * attempt, maxPauseMs), signal)
  }
  return undefined
}

function outOfRange({ topic, partition }: RecordPlace, offset: number): ServiceError {
  return new ServiceError('out_of_range', `${topic}/${partition} does not reach to offset ${offset} any more`)
}

/** Between tries. Guesses: brokers may be away for long. */
const pauseMs = 50
const maxPauseMs = 1_000
