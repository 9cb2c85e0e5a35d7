import type { Assigner, PartitionAssigner } from 'kafkajs'
import { wait } from '../../wait.ts'
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

async function partitionCounts(
  cluster: AssignerConfig['cluster'],
  topics: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const topic of topics) counts.set(topic, await partitionCount(cluster, topic))
  return counts
}

/** None of a topic that is not there, though a member reads it. One that was just created is waited for: nobody would ask again. */
async function partitionCount(cluster: AssignerConfig['cluster'], topic: string): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await cluster.addTargetTopic(topic)
      return cluster.findTopicPartitionMetadata(topic).length
    } catch (error) {
      const type = kafkaErrorType(error)
      if (type !== notYetThere && !unreadable.has(type)) throw error
      if (type !== notYetThere || attempt === attemptCount) return 0
    }
    await wait(retryMs * attempt, never)
  }
}

const notYetThere = 'UNKNOWN_TOPIC_OR_PARTITION'
/** What a broker says of a topic that the leader may not see. */
const unreadable: ReadonlySet<string> = new Set(['TOPIC_AUTHORIZATION_FAILED', 'INVALID_TOPIC_EXCEPTION'])
/** Guesses: brokers hear of a topic within tens of milliseconds, and the whole group waits here. */
const attemptCount = 5
const retryMs = 50
const never = new AbortController().signal
