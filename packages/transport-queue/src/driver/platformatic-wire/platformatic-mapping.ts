import type { KafkaRecord, MessageRecord, RecordsBatch } from '@platformatic/kafka'
import type { ReceivedRecord, RecordHeader, RecordToSend } from '../../queue-driver.ts'
import { type BatchFacts, hiddenBatches } from '../kafka/aborted-transactions.ts'
import type { RequestAnswer } from './platformatic-client.ts'

type FetchedPartition = RequestAnswer<'Fetch'>['responses'][number]['partitions'][number]

/** A record as the library sends it. */
export function toMessage({ topic, key, value, headers, partition, timestampAt }: RecordToSend): MessageRecord {
  return {
    topic,
    ...(key && { key: asBuffer(key) }),
    // Its type does not know of a message without a value, which it sends all the same.
    ...((value && { value: asBuffer(value) }) as { value: Buffer }),
    // A map of buffers, each of which is a name of its own: names may repeat.
    headers: new Map(headers.map(([name, text]) => [Buffer.from(name), asBuffer(text)])),
    ...(partition !== undefined && { partition }),
    ...(timestampAt !== undefined && { timestamp: BigInt(timestampAt) }),
  }
}

/** Which records of a partition were fetched, from an offset on. */
export interface FetchedRecords {
  readonly records: readonly ReceivedRecord[]
  /** Behind all that was fetched, also what is not for readers. */
  readonly nextOffset: bigint
}

/** The records of one partition that are for readers: nothing of transactions that were aborted, and none of their marks. */
export function toRecords(topic: string, fetched: FetchedPartition, fromOffset: bigint): FetchedRecords {
  const isHidden = hiddenBatches(fetched.abortedTransactions ?? [])
  const records: ReceivedRecord[] = []
  let nextOffset = fromOffset
  for (const batch of fetched.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    if (!isHidden(factsOf(batch))) {
      const place = { topic, partition: fetched.partitionIndex, batch }
      // A batch comes as a whole, also when it is wanted from its middle on.
      for (const record of batch.records)
        if (batch.firstOffset + BigInt(record.offsetDelta) >= fromOffset) records.push(toRecord(record, place))
    }
    if (end > nextOffset) nextOffset = end
  }
  return { records, nextOffset }
}

interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly batch: RecordsBatch
}

function factsOf({ producerId, firstOffset, lastOffsetDelta, attributes }: RecordsBatch): BatchFacts {
  return {
    producerId,
    lastOffset: firstOffset + BigInt(lastOffsetDelta),
    isTransactional: (attributes & transactionalBit) !== 0,
    isControl: (attributes & controlBit) !== 0,
  }
}

/** @see Kafka message format, attributes of a record batch */
const logAppendTimeBit = 0b1000
const transactionalBit = 0b1_0000
const controlBit = 0b10_0000

function toRecord(record: KafkaRecord, { topic, partition, batch }: RecordPlace): ReceivedRecord {
  const isAppendTime = (batch.attributes & logAppendTimeBit) !== 0
  return {
    topic,
    partition,
    offset: Number(batch.firstOffset) + record.offsetDelta,
    timestampAt: Number(isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta),
    key: record.key,
    value: record.value,
    headers: record.headers.map(([name, value]): RecordHeader => [String(name ?? ''), value ?? Buffer.alloc(0)]),
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
