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

export interface DirectCommits extends MemberIdentity {
  readonly group: string
  readonly topic: string
  readonly offsets: readonly { readonly partition: number; readonly offset: number }[]
}

/**
 * Asks the group's coordinator, whoever that is now, to store an offset. Sends nothing any more once the signal has fired: what others
 * have stored meanwhile would be put back.
 *
 * @throws kafkajs's error, with the coordinator's reason, or that of the signal
 */
export async function commitDirectly(cluster: Cluster, commit: DirectCommit, over: AbortSignal): Promise<void> {
  const { partition, nextOffset: offset } = commit
  await commitAll(cluster, { ...commit, offsets: [{ partition, offset }] }, over)
}

/** The same for several partitions of a topic, which are stored together. */
export async function commitAll(cluster: Cluster, commit: DirectCommits, over: AbortSignal): Promise<void> {
  const { group: groupId, memberId, generationId: groupGenerationId, topic, offsets } = commit
  const { coordinator } = await cluster.findGroupCoordinatorMetadata({ groupId })
  const broker = await cluster.findBroker({ nodeId: String(coordinator.nodeId) })
  over.throwIfAborted()
  const partitions = offsets.map(({ partition, offset }) => ({ partition, offset: String(offset) }))
  const topics = [{ topic, partitions }]
  await broker.offsetCommit({ groupId, memberId, groupGenerationId, topics })
}
