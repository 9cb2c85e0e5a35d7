import type { Cluster } from 'kafkajs'

/** By what the coordinator knows whose commit it is. */
export interface MemberIdentity {
  readonly memberId: string
  readonly generationId: number
}

export interface DirectCommit extends MemberIdentity {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
}

/** Asks the group's coordinator, whoever that is now, to store an offset. @throws kafkajs's error, with the coordinator's reason */
export async function commitDirectly(cluster: Cluster, commit: DirectCommit): Promise<void> {
  const { group: groupId, memberId, generationId: groupGenerationId, topic, partition, nextOffset } = commit
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId })
  const broker = await cluster.findBroker({ nodeId: String(coordinator.nodeId) })
  const topics = [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }]
  await broker.offsetCommit({ groupId, memberId, groupGenerationId, topics })
}
