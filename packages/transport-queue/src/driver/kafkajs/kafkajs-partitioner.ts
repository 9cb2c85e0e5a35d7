import type { ICustomPartitioner } from 'kafkajs'
import { kafkaPartitionHash } from '../kafka/kafka-partition.ts'
import type { Kafkajs } from './kafkajs-client.ts'

/**
 * Chooses what kafkajs's own partitioner chooses, but for a long key without holding up the event loop: kafkajs reckons with
 * numbers that grow with the key, so that one of a megabyte takes minutes.
 */
export function createPartitioner({ Partitioners }: Kafkajs): ReturnType<ICustomPartitioner> {
  const other = Partitioners.DefaultPartitioner()
  return (choice) => {
    const { key, partition } = choice.message
    if (!key || partition !== undefined) return other(choice)
    return kafkaPartitionHash(Buffer.from(key)) % choice.partitionMetadata.length
  }
}
