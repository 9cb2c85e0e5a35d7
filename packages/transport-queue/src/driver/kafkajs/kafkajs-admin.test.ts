import type { Admin } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readProgress } from './kafkajs-admin.ts'

describe('readProgress', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('waits for a leader that does not know yet that it leads', async () => {
    const { admin, asked } = open(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE'])
    const reading = readProgress(admin, 'topic', 'group')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await reading).toEqual([
      { partition: 0, earliestOffset: 2, nextOffset: 9, committedOffset: undefined },
      { partition: 1, earliestOffset: 0, nextOffset: 4, committedOffset: 3 },
    ])
    expect(asked).toHaveLength(3)
  })

  it.each([
    ['what no waiting mends, at once', ['TOPIC_AUTHORIZATION_FAILED'], 1],
    ['a leader that never knows, after a while', Array<string>(20).fill('NOT_LEADER_FOR_PARTITION'), 6],
  ])('fails at %s', async (_name, errors, askedCount) => {
    const { admin, asked } = open(errors)
    const failing = expect(readProgress(admin, 'topic', 'group')).rejects.toMatchObject({ type: errors[0] })
    await vi.advanceTimersByTimeAsync(5_000)
    await failing
    expect(asked).toHaveLength(askedCount)
  })
})

describe('readProgress of a topic that a broker does not know', () => {
  it.each([
    ['believes it where the group has committed nothing there', 'other', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }],
    [
      'does not believe it where the group has',
      'topic',
      { message: expect.stringContaining('does not know of topic') },
    ],
  ])('%s', async (_name, committedTopic, expected) => {
    const { admin } = open(['UNKNOWN_TOPIC_OR_PARTITION'])
    const partitions = [
      { partition: 0, offset: '-1', metadata: null },
      { partition: 1, offset: '3', metadata: null },
    ]
    const unknown = Object.assign(new Error('no'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' })
    const fetchOffsets: Admin['fetchOffsets'] = async ({ topics }) => {
      if (topics !== undefined) throw unknown
      return [{ topic: committedTopic, partitions }]
    }
    await expect(readProgress({ ...admin, fetchOffsets }, 'topic', 'group')).rejects.toMatchObject(expected)
  })

  it('believes it where nobody asks for a group', async () => {
    const { admin } = open(['UNKNOWN_TOPIC_OR_PARTITION'])
    await expect(readProgress(admin, 'topic', undefined)).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })
})

describe('readProgress of an answer with gaps', () => {
  it('fails, for a partition that was left out is not one of which nothing was committed', async () => {
    const { admin } = open([])
    const only = [{ topic: 'topic', partitions: [{ partition: 1, offset: '3', metadata: null }] }]
    const fetchOffsets: Admin['fetchOffsets'] = () => Promise.resolve(only)
    await expect(readProgress({ ...admin, fetchOffsets }, 'topic', 'group')).rejects.toThrow('left out partition 0')
  })
})

/** A cluster with two partitions that first answers with these errors, and what it was asked. */
function open(errors: readonly string[]) {
  const left = [...errors]
  const asked: string[] = []
  const admin = {
    fetchTopicOffsets: async (topic: string) => {
      asked.push(topic)
      const type = left.shift()
      if (type !== undefined) throw Object.assign(new Error(type), { type })
      return [
        { partition: 1, offset: '4', high: '4', low: '0' },
        { partition: 0, offset: '9', high: '9', low: '2' },
      ]
    },
    fetchOffsets: async () => [
      {
        topic: 'topic',
        partitions: [
          { partition: 0, offset: '-1', metadata: null },
          { partition: 1, offset: '3', metadata: null },
        ],
      },
    ],
  }
  // Of the admin only these are used.
  return { admin: admin as unknown as Admin, asked }
}
