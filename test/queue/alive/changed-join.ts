import type { AssignedPartition, Membership, QueueDriver } from '@tenon/transport-queue'

/** A driver that joins groups in another way: late, or with other work for its partitions. */
export function withJoin(
  driver: QueueDriver,
  change: (membership: Membership) => Membership | Promise<Membership>,
): QueueDriver {
  const join = driver.join.bind(driver)
  const joinChanged: QueueDriver['join'] = async (membership, signal) => join(await change(membership), signal)
  return Object.assign(driver, { join: joinChanged })
}

/** A driver whose members are given no message, as a client whose loop has ended unseen. */
export function withoutFetch(driver: QueueDriver): QueueDriver {
  return withJoin(driver, (membership) => ({
    ...membership,
    consume: (partition) => membership.consume(silent(partition)),
  }))
}

function silent(given: AssignedPartition): AssignedPartition {
  return {
    topic: given.topic,
    partition: given.partition,
    revoked: given.revoked,
    lost: given.lost,
    startOffset: () => given.startOffset(),
    fetch: () => new Promise((resolve) => given.revoked.addEventListener('abort', () => resolve([]), { once: true })),
    commit: (nextOffset) => given.commit(nextOffset),
    commitBeside: (topic, nextOffset) => given.commitBeside(topic, nextOffset),
  }
}
