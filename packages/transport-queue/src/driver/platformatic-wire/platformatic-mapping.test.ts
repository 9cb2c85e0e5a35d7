import type { RecordsBatch } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { toMessage, toRecords } from './platformatic-mapping.ts'

describe('toRecords', () => {
  it('begins in the middle of a batch, and goes on behind it', () => {
    const found = toRecords('t', fetched([batch(10n, ['a', 'b', 'c'])]), 11n)
    expect(found.records.map(({ offset, value }) => [offset, String(value)])).toEqual([
      [11, 'b'],
      [12, 'c'],
    ])
    expect(found.nextOffset).toBe(13n)
  })

  it('passes over batches without records, as a cleaned log has them', () => {
    const empty = { ...batch(5n, []), lastOffsetDelta: 4 }
    expect(toRecords('t', fetched([empty]), 5n)).toEqual({ records: [], nextOffset: 10n })
  })

  it('hands over nothing of an aborted transaction, and no mark of one', () => {
    const of = (producerId: bigint, first: bigint, values: string[], attributes = transactional) => ({
      ...batch(first, values),
      producerId,
      attributes,
    })
    const batches = [
      of(1n, 0n, ['aborted']),
      of(2n, 1n, ['committed']),
      of(1n, 2n, ['mark'], transactional | control),
      of(1n, 3n, ['of the next transaction']),
      batch(4n, ['plain']),
    ]
    const { records, nextOffset } = toRecords('t', fetched(batches, [{ producerId: 1n, firstOffset: 0n }]), 0n)
    expect(records.map(({ value }) => String(value))).toEqual(['committed', 'of the next transaction', 'plain'])
    expect(nextOffset).toBe(5n)
  })

  it('takes the time of the producer, or of the log where the topic says so', () => {
    const one = { ...batch(0n, ['a', 'b']), firstTimestamp: 1_000n, maxTimestamp: 9_000n }
    expect(toRecords('t', fetched([one]), 0n).records.map(({ timestampAt }) => timestampAt)).toEqual([1_000, 1_001])
    const logged = toRecords('t', fetched([{ ...one, attributes: 0b1000 }]), 0n)
    expect(logged.records.map(({ timestampAt }) => timestampAt)).toEqual([9_000, 9_000])
  })
})

describe('toMessage', () => {
  it('keeps headers whose names repeat, and names no partition for a record without a key', () => {
    const header = (value: string) => ['same', Buffer.from(value)] as const
    const message = toMessage({ topic: 't', key: null, value: null, headers: [header('1'), header('2')] })
    expect([...(message.headers as ReadonlyMap<Buffer, Buffer>)].map(String)).toEqual(['same,1', 'same,2'])
    expect(message).not.toHaveProperty('partition')
  })
})

const transactional = 0b1_0000
const control = 0b10_0000

function batch(firstOffset: bigint, values: readonly string[]): RecordsBatch {
  return {
    firstOffset,
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: 0,
    lastOffsetDelta: values.length - 1,
    firstTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    firstSequence: -1,
    records: values.map((value, offsetDelta) => ({
      length: 0,
      attributes: 0,
      timestampDelta: BigInt(offsetDelta),
      offsetDelta,
      key: null,
      value: Buffer.from(value),
      headers: [],
    })),
  }
}

function fetched(
  records: RecordsBatch[],
  abortedTransactions: { readonly producerId: bigint; readonly firstOffset: bigint }[] = [],
): Parameters<typeof toRecords>[1] {
  return {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 0n,
    lastStableOffset: 0n,
    logStartOffset: 0n,
    abortedTransactions,
    preferredReadReplica: -1,
    records,
  }
}
