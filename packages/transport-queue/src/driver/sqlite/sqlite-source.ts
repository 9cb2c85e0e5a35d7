import { setImmediate } from 'node:timers/promises'
import type { RecordPlace } from '../../queue-driver.ts'
import type { PartitionSource } from '../partition-reading.ts'
import { toQueueError } from '../sqlite-file/sqlite-error.ts'
import type { LogPlace } from './sqlite-log.ts'
import type { SqliteQueue } from './sqlite-queue.ts'

/** One partition of the file, to be read without a group. */
export function sqliteSource(
  queue: Pick<SqliteQueue, 'log' | 'untilMore'>,
  { topic, partition }: RecordPlace,
): PartitionSource {
  const { log } = queue
  const place = (): LogPlace => ({ topic, partition, logId: log.logIdOf(topic, partition) })
  const bounds = () => log.boundsOf(place().logId)
  return {
    bounds: async () => told(bounds),
    fetch: async (fromOffset) => {
      // A reader that takes whatever comes would hold up the event loop.
      await setImmediate()
      return told(() => {
        const records = log.read(place(), fromOffset)
        const [first, last] = [records[0], records.at(-1)]
        if (first && last) return { records, nextOffset: last.offset + 1, isOutOfRange: first.offset > fromOffset }
        const { earliestOffset, endOffset } = bounds()
        return { records, nextOffset: endOffset, isOutOfRange: earliestOffset > fromOffset || endOffset < fromOffset }
      })
    },
    more: (fromOffset, over) => queue.untilMore({ logId: place().logId, position: fromOffset }, over),
  }
}

/** What the work comes to. @throws ServiceError, `unavailable` while another process holds the file */
function told<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toQueueError(error)
  }
}
