import type { ConsumerStart } from '@tenon/core/transport'
import type { Cluster } from 'kafkajs'
import { wait } from '../../wait.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'

/**
 * Where each partition of a topic is to be read from, in order of the partitions.
 *
 * @throws kafkajs's error
 */
export async function readOffsets(cluster: Cluster, topic: string, start: ConsumerStart): Promise<readonly number[]> {
  await cluster.addTargetTopic(topic)
  const partitions = cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => ({ partition: partitionId }))
    .toSorted((one, other) => one.partition - other.partition)
  const at = typeof start === 'object' ? { fromTimestamp: start.startAt } : { fromBeginning: start === 'earliest' }
  const found = await listOffsets(cluster, { topic, partitions, ...at })
  // Kafka says -1 where no record is as young.
  if (partitions.every(({ partition }) => (found.get(partition) ?? -1) >= 0)) return inOrder(partitions, found)
  const ends = await listOffsets(cluster, { topic, partitions, fromBeginning: false })
  return inOrder(partitions, new Map([...ends, ...[...found].filter(([, offset]) => offset >= 0)]))
}

type Wanted = Parameters<Cluster['fetchTopicsOffset']>[0][number]

/** A broker that is to lead a partition, as of a topic that was just created, may not know yet. kafkajs gives up at once then. */
async function listOffsets(cluster: Cluster, wanted: Wanted): Promise<ReadonlyMap<number, number>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const [listed] = await cluster.fetchTopicsOffset([wanted])
      return new Map(listed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
    } catch (error) {
      if (attempt === attemptCount || !leaderless.has(kafkaErrorType(error))) throw error
    }
    await wait(retryMs * attempt, never)
    await cluster.refreshMetadata()
  }
}

function inOrder(
  partitions: readonly { readonly partition: number }[],
  offsets: ReadonlyMap<number, number>,
): readonly number[] {
  return partitions.map(({ partition }) => {
    const offset = offsets.get(partition)
    if (offset === undefined) throw new Error(`a broker left out partition ${partition} that it was asked for`)
    return offset
  })
}

const leaderless: ReadonlySet<string> = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'OFFSET_NOT_AVAILABLE',
])
/** Guesses: a second and a half. */
const attemptCount = 6
const retryMs = 100
const never: AbortSignal = new AbortController().signal
