import type { RecordRange } from '../../queue-driver.ts'
import type { PartitionSource } from '../partition-reading.ts'
import type { Broker } from './memory-broker.ts'

/** One partition of a memory broker, to be read without a group. */
export function memorySource(broker: Broker, { topic, partition }: RecordRange): PartitionSource {
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
      return { records, nextOffset: (records.at(-1)?.offset ?? log.endOffset - 1) + 1 }
    },
  }
}

/** As many as a member is given at once. */
const fetchedCount = 500
