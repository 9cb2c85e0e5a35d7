import type { AssignedPartition, QueueDriver } from '@tenon/transport-queue'

/** A driver whose partitions do some things in another way. */
export function overPartitions(
  driver: QueueDriver,
  change: (partition: AssignedPartition) => Partial<AssignedPartition>,
): QueueDriver {
  return {
    name: driver.name,
    target: driver.target,
    connect: (client) => driver.connect(client),
    ensureTopics: (topics) => driver.ensureTopics(topics),
    produce: (records, bound) => driver.produce(records, bound),
    describe: (topic, group) => driver.describe(topic, group),
    read: (range, bound) => driver.read(range, bound),
    offsetsAt: (topic, start) => driver.offsetsAt(topic, start),
    follow: (from, signal) => driver.follow(from, signal),
    join: (membership, signal) =>
      driver.join({ ...membership, consume: (partition) => membership.consume(changed(partition, change)) }, signal),
    close: () => driver.close(),
  }
}

function changed(
  partition: AssignedPartition,
  change: (partition: AssignedPartition) => Partial<AssignedPartition>,
): AssignedPartition {
  return {
    topic: partition.topic,
    partition: partition.partition,
    revoked: partition.revoked,
    lost: partition.lost,
    startOffset: () => partition.startOffset(),
    fetch: () => partition.fetch(),
    commit: (nextOffset) => partition.commit(nextOffset),
    commitBeside: (topic, nextOffset) => partition.commitBeside(topic, nextOffset),
    ...change(partition),
  }
}
