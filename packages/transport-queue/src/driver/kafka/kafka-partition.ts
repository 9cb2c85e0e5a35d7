/**
 * The number by which Kafka's own clients choose the partition of a key, to be taken modulo the number of partitions. All
 * clients that send to a topic have to agree on it, or a key's order is lost.
 *
 * @see Apache Kafka, org.apache.kafka.common.utils.Utils: murmur2 and toPositive
 */
export function kafkaPartitionHash(key: Uint8Array): number {
  const { length } = key
  let hash = seed ^ length
  let index = 0
  for (; index + 4 <= length; index += 4) {
    const part = at(key, index) | (at(key, index + 1) << 8) | (at(key, index + 2) << 16) | (at(key, index + 3) << 24)
    hash = Math.imul(hash, factor) ^ scramble(part)
  }
  const rest = length - index
  if (rest > 2) hash ^= at(key, index + 2) << 16
  if (rest > 1) hash ^= at(key, index + 1) << 8
  if (rest > 0) hash = Math.imul(hash ^ at(key, index), factor)
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return (hash ^ (hash >>> 15)) & 0x7fffffff
}

const seed = 0x9747b28c
const factor = 0x5bd1e995

function scramble(part: number): number {
  const mixed = Math.imul(part, factor)
  return Math.imul(mixed ^ (mixed >>> 24), factor)
}

function at(key: Uint8Array, index: number): number {
  return key[index] ?? 0
}
