import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { kafkaPartitionHash } from './kafka-partition.ts'

describe('kafkaPartitionHash', () => {
  it('puts keys of every length where kafkajs puts them, as all clients of Kafka do', () => {
    const partition = kafkajs.Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({
      partitionId,
      partitionErrorCode: 0,
      leader: 1,
      replicas: [1],
      isr: [1],
    }))
    for (let length = 0; length < 40; length++) {
      const key = Buffer.from(Array.from({ length }, (_, index) => (index * 197 + length * 31) % 256))
      const theirs = partition({ topic: 't', partitionMetadata, message: { key, value: null } })
      expect(kafkaPartitionHash(key) % 7, `a key of ${length} bytes`).toBe(theirs)
    }
  })

  /** @see Apache Kafka, UtilsTest.testMurmur2, made positive */
  it.each([
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ])('is for %s what Kafka itself computes', (key, hash) => {
    expect(kafkaPartitionHash(Buffer.from(key))).toBe(hash & 0x7fffffff)
  })
})
