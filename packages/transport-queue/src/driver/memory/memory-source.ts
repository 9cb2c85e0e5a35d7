import type { RecordPlace } from '../../queue-driver.ts'
import type { PartitionSource } from '../partition-reading.ts'
import type { Broker } from './memory-broker.ts'
import type { MemoryLog } from './memory-log.ts'

/** One partition of a memory broker, to be read without a group. */
export function memorySource(broker: Broker, { topic, partition }: RecordPlace): PartitionSource {
  const { requests } = broker
  return {
    bounds: async (over) => {
      await requests.answering(over)
      const { firstOffset: earliestOffset, endOffset } = broker.log(topic, partition)
      return { earliestOffset, endOffset }
    },
    fetch: async (fromOffset, over) => {
      await requests.answering(over)
      const log = broker.log(topic, partition)
      const records = log.read(fromOffset, fetchedCount)
      const isOutOfRange = fromOffset < log.firstOffset || fromOffset > log.endOffset
      return { records, nextOffset: (records.at(-1)?.offset ?? log.endOffset - 1) + 1, isOutOfRange }
    },
    more: (fromOffset, over) => grown(broker.log(topic, partition), fromOffset, over),
  }
}

/** Resolves when the log reaches beyond the offset, or the signal fires. */
function grown(log: MemoryLog, fromOffset: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController()
    const look = () => {
      if (log.endOffset <= fromOffset && !over.aborted) return
      done.abort()
      over.removeEventListener('abort', look)
      resolve()
    }
    log.watch(look, done.signal)
    over.addEventListener('abort', look)
    look()
  })
}

/** As many as a member is given at once. */
const fetchedCount = 500
