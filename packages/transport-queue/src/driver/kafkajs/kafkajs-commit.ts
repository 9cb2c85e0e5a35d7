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

/**
 * Asks the group's coordinator, whoever that is now, to store an offset. Sends nothing any more once the signal has fired: what others
 * have stored meanwhile would be put back.
 *
 * @throws kafkajs's error, with the coordinator's reason, or that of the signal
 */
export async function commitDirectly(cluster: Cluster, commit: DirectCommit, over: AbortSignal): Promise<void> {
  const { group: groupId, memberId, generationId: groupGenerationId, topic, partition, nextOffset } = commit
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId })
  const broker = await cluster.findBroker({ nodeId: String(coordinator.nodeId) })
  over.throwIfAborted()
  const topics = [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }]
  await broker.offsetCommit({ groupId, memberId, groupGenerationId, topics })
}
