import type { Assigner, PartitionAssigner } from 'kafkajs'
import { assignRoundRobin } from '../kafka/kafka-assigner.ts'
import type { Kafkajs } from './kafkajs-client.ts'
import { kafkaErrorType } from './kafkajs-mapping.ts'

type AssignerConfig = Parameters<PartitionAssigner>[0]

/**
 * Round robin as kafkajs does it, but by what each member reads. kafkajs's own gives the topics of the leader to all members: those
 * of another member would be nobody's, and members would get partitions that they do not handle.
 */
export function eachItsOwn({ PartitionAssigners, AssignerProtocol }: Kafkajs, config: AssignerConfig): Assigner {
  const { cluster } = config
  const { name, version, protocol } = PartitionAssigners.roundRobin(config)
  const { MemberMetadata, MemberAssignment } = AssignerProtocol
  const userData = Buffer.alloc(0)
  return {
    name,
    version,
    protocol: ({ topics }) => protocol.call({ name, version }, { topics }),
    async assign({ members }) {
      const wishes = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        topics: MemberMetadata.decode(memberMetadata)?.topics ?? [],
      }))
      const topics = new Set(wishes.flatMap((wish) => wish.topics))
      const shares = assignRoundRobin(wishes, await partitionCounts(cluster, topics))
      return Array.from(shares, ([memberId, share]) => {
        const assignment = Object.fromEntries(share.map(({ topic, partitions }) => [topic, [...partitions]]))
        return { memberId, memberAssignment: MemberAssignment.encode({ version, assignment, userData }) }
      })
    },
  }
}

/** Of a topic that is not there any more, though a member reads it, there are none. */
async function partitionCounts(
  cluster: AssignerConfig['cluster'],
  topics: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const topic of topics) {
    try {
      await cluster.addTargetTopic(topic)
      counts.set(topic, cluster.findTopicPartitionMetadata(topic).length)
    } catch (error) {
      if (!unreadable.has(kafkaErrorType(error))) throw error
    }
  }
  return counts
}

/** What a broker says of a topic that the leader cannot see. */
const unreadable: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_TOPIC_EXCEPTION',
])
