import type { Admin } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { readProgress } from './platformatic-admin.ts'

describe('readProgress', () => {
  it('tells commits that are stable, and of which partitions there are none', async () => {
    const { admin, asked } = open({ committed: [5n, -1n] })
    expect(await readProgress(admin, 'topic', 'group')).toEqual([
      { partition: 0, earliestOffset: 2, nextOffset: 9, committedOffset: 5 },
      { partition: 1, earliestOffset: 2, nextOffset: 9, committedOffset: undefined },
    ])
    expect(asked).toMatchObject([{ requireStable: true }])
  })

  it.each([{ committed: [5n] }, { committed: [5n, 5n], listed: [0] }])(
    'fails at an answer with gaps: %o',
    async (answers) => {
      const { admin } = open(answers)
      await expect(readProgress(admin, 'topic', 'group')).rejects.toThrow('left out partition 1')
    },
  )
})

describe('readProgress of a topic that a broker does not know', () => {
  const unknown = Object.assign(new Error('no'), { apiId: 'UNKNOWN_TOPIC_OR_PARTITION' })

  it('believes it where the group has committed nothing there, and where nobody asks for a group', async () => {
    const { admin, asked } = open({ committed: [-1n], unknown })
    await expect(readProgress(admin, 'topic', 'group')).rejects.toBe(unknown)
    expect(asked).toEqual([{ groups: ['group'], requireStable: true }])
    await expect(readProgress(admin, 'topic', undefined)).rejects.toBe(unknown)
  })

  it('does not believe it where the group has', async () => {
    const { admin } = open({ committed: [-1n, 3n], unknown })
    await expect(readProgress(admin, 'topic', 'group')).rejects.toThrow(
      'a broker does not know of topic topic, in which group group has committed something',
    )
  })
})

interface Answers {
  /** In order of the partitions; Kafka says -1 where there is none. */
  readonly committed: readonly bigint[]
  /** The partitions of which offsets are told. */
  readonly listed?: readonly number[]
  /** What is said in the place of what the topic is made of. */
  readonly unknown?: Error
}

/** A cluster with a topic of two partitions, and what it was asked about commits. */
function open({ committed, listed = [0, 1], unknown }: Answers) {
  const asked: unknown[] = []
  const admin = {
    metadata: async () => {
      if (unknown) throw unknown
      return { topics: new Map([['topic', { partitionsCount: 2 }]]) }
    },
    listOffsets: async ({ topics }: { topics: { partitions: { timestamp: bigint }[] }[] }) => {
      const offset = topics[0]?.partitions[0]?.timestamp === -2n ? 2n : 9n
      return [{ name: 'topic', partitions: listed.map((partitionIndex) => ({ partitionIndex, offset })) }]
    },
    listConsumerGroupOffsets: async (options: unknown) => {
      asked.push(options)
      const partitions = committed.map((committedOffset, partitionIndex) => ({ partitionIndex, committedOffset }))
      return [{ groupId: 'group', topics: [{ name: 'topic', partitions }] }]
    },
  }
  // Of the admin only these are used.
  return { admin: admin as unknown as Admin, asked }
}
