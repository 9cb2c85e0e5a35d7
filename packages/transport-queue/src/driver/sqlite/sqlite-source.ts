import { setImmediate } from 'node:timers/promises'
import type { RecordRange } from '../../queue-driver.ts'
import type { PartitionSource } from '../partition-reading.ts'
import { toQueueError } from '../sqlite-file/sqlite-error.ts'
import type { LogPlace, SqliteLog } from './sqlite-log.ts'

/** One partition of the file, to be read without a group. */
export function sqliteSource(log: SqliteLog, { topic, partition }: RecordRange): PartitionSource {
  const place = (): LogPlace => ({ topic, partition, logId: log.logIdOf(topic, partition) })
  const bounds = () => log.boundsOf(place().logId)
  return {
    bounds: async () => told(bounds),
    fetch: async (fromOffset) => {
      // A reader that takes whatever comes would hold up the event loop.
      await setImmediate()
      return told(() => {
        const records = log.read(place(), fromOffset)
        const last = records.at(-1)
        return { records, nextOffset: last ? last.offset + 1 : bounds().endOffset }
      })
    },
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
