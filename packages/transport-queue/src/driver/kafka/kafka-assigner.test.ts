import { describe, expect, it } from 'vitest'
import { assignRoundRobin } from './kafka-assigner.ts'

describe('assignRoundRobin', () => {
  it('gives every partition to one member, and each as many as another but for one', () => {
    const wishes = ['c', 'a', 'b'].map((memberId) => ({ memberId, topics: ['one', 'two'] }))
    const shares = assignRoundRobin(
      wishes,
      new Map([
        ['two', 2],
        ['one', 3],
      ]),
    )
    expect(Object.fromEntries(shares)).toEqual({
      a: [
        { topic: 'one', partitions: [0] },
        { topic: 'two', partitions: [0] },
      ],
      b: [
        { topic: 'one', partitions: [1] },
        { topic: 'two', partitions: [1] },
      ],
      c: [{ topic: 'one', partitions: [2] }],
    })
  })

  it('gives a topic only to those that read it, and nothing of one that nobody reads or that does not exist', () => {
    const wishes = [
      { memberId: 'a', topics: ['one'] },
      { memberId: 'b', topics: ['two', 'missing'] },
    ]
    const counts = new Map([
      ['one', 2],
      ['two', 1],
      ['missing', 0],
      ['other', 4],
    ])
    expect(Object.fromEntries(assignRoundRobin(wishes, counts))).toEqual({
      a: [{ topic: 'one', partitions: [0, 1] }],
      b: [{ topic: 'two', partitions: [0] }],
    })
  })

  it('names members that get nothing too', () => {
    const wishes = ['a', 'b'].map((memberId) => ({ memberId, topics: ['one'] }))
    expect(assignRoundRobin(wishes, new Map([['one', 1]])).get('b')).toEqual([])
  })
})
