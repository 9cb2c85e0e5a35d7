import kafkajs, { AssignerProtocol, type Cluster } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { eachItsOwn } from './kafkajs-assigner.ts'

const { MemberMetadata, MemberAssignment } = AssignerProtocol

describe('eachItsOwn', () => {
  it('gives the topics of all members, whoever leads, each to those that read it', async () => {
    const { assign } = open({ one: 2, other: 1 })
    expect(await assign({ a: ['one'], b: ['other'] })).toEqual({ a: { one: [0, 1] }, b: { other: [0] } })
  })

  it('waits for a topic that the leader has not heard of yet', async () => {
    const { assign, asked } = open({ fresh: 1 }, { fresh: ['UNKNOWN_TOPIC_OR_PARTITION'] })
    expect(await assign({ a: ['fresh'] })).toEqual({ a: { fresh: [0] } })
    expect(asked).toEqual(['fresh', 'fresh'])
  })

  it('leaves a topic out that the leader may not see, and gives the others', async () => {
    const { assign } = open({ one: 1 }, { secret: ['TOPIC_AUTHORIZATION_FAILED'] })
    expect(await assign({ a: ['one', 'secret'] })).toEqual({ a: { one: [0] } })
  })

  it('fails at what another try may mend', async () => {
    const { assign } = open({}, { one: ['NETWORK_EXCEPTION'] })
    await expect(assign({ a: ['one'] })).rejects.toMatchObject({ type: 'NETWORK_EXCEPTION' })
  })

  it('is to brokers what kafkajs calls round robin, so that members of both understand one another', () => {
    const { assigner } = open({})
    const { name, metadata } = assigner.protocol({ topics: ['one'] })
    expect(name).toBe('RoundRobinAssigner')
    expect(MemberMetadata.decode(metadata)).toMatchObject({ topics: ['one'] })
  })
})

/** An assigner over a cluster with these topics, which first answers with those errors. */
function open(counts: Readonly<Record<string, number>>, errors: Readonly<Record<string, string[]>> = {}) {
  const asked: string[] = []
  const cluster = {
    addTargetTopic: async (topic: string) => {
      asked.push(topic)
      const type = errors[topic]?.shift()
      if (type !== undefined) throw Object.assign(new Error(type), { type })
    },
    findTopicPartitionMetadata: (topic: string) =>
      Array.from({ length: counts[topic] ?? 0 }, (_, partitionId) => ({ partitionId })),
  }
  // Of the cluster only these are used, and of the rest of the configuration nothing.
  const config = { cluster: cluster as unknown as Cluster, groupId: 'group', logger: undefined as never }
  const assigner = eachItsOwn(kafkajs, config)
  const assign = async (wishes: Readonly<Record<string, readonly string[]>>) => {
    const members = Object.entries(wishes).map(([memberId, topics]) => ({
      memberId,
      memberMetadata: MemberMetadata.encode({ version: 0, topics: [...topics], userData: Buffer.alloc(0) }),
    }))
    const given = await assigner.assign({ members, topics: [] })
    return Object.fromEntries(
      given.map(({ memberId, memberAssignment }) => [
        memberId,
        { ...MemberAssignment.decode(memberAssignment)?.assignment },
      ]),
    )
  }
  return { assigner, assign, asked }
}
