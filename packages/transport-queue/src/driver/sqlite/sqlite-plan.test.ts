import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PlannedMember, type PlannedPartition, planAssignment } from './sqlite-plan.ts'

describe('planAssignment', () => {
  it('gives the first member everything', () => {
    expect(plan([member(1)], partitions(3))).toEqual({ 1: 1, 2: 1, 3: 1 })
  })

  it('moves only what makes it even', () => {
    expect(plan([member(1), member(2)], partitions(4, 1))).toEqual({ 1: 1, 2: 1, 3: 2, 4: 2 })
  })

  it('moves nothing when three partitions are held by two', () => {
    const held = [
      { ...partition(1), holderId: 1 },
      { ...partition(2), holderId: 2 },
      { ...partition(3), holderId: 2 },
    ]
    expect(plan([member(1), member(2)], held)).toEqual({ 1: 1, 2: 2, 3: 2 })
  })

  it('moves a partition of each topic, not all of one', () => {
    const held = ['a', 'a', 'b', 'b'].map((topic, index) => ({ logId: index + 1, topic, holderId: 1 }))
    const owners = plan([member(1, 'a', 'b'), member(2, 'a', 'b')], held)
    expect(new Set([owners[1], owners[2]])).toEqual(new Set([1, 2]))
    expect(new Set([owners[3], owners[4]])).toEqual(new Set([1, 2]))
  })

  it('leaves partitions that nobody reads without an owner', () => {
    expect(plan([member(1, 'other')], partitions(1, 1))).toEqual({ 1: null })
    expect(plan([], partitions(1, 7))).toEqual({ 1: null })
  })

  it('plans thousands of partitions at once', () => {
    const owners = Object.values(plan([member(1), member(2)], partitions(2_000, 1)))
    expect(owners.filter((owner) => owner === 1)).toHaveLength(1_000)
  })

  it('is even for members that read the same, moves no more than that takes, and is at rest then', () => {
    const held = fc.array(
      fc.record({ topic: fc.constantFrom('a', 'b'), holderId: fc.option(fc.integer({ min: 1, max: 6 })) }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), held, (memberCount, found) => {
        const members = Array.from({ length: memberCount }, (_, index) => member(index + 1, 'a', 'b'))
        const given = found.map((one, index) => ({ ...one, logId: index + 1 }))
        const owners = planAssignment(members, given)
        const counts = members.map(({ memberId }) => [...owners.values()].filter((owner) => owner === memberId).length)
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        const after = given.map((one) => ({ ...one, holderId: owners.get(one.logId) ?? null }))
        expect(planAssignment(members, after)).toEqual(owners)
        expect(movedCount(given, owners, memberCount)).toBeLessThanOrEqual(surplusCount(given, memberCount))
      }),
    )
  })
})

/** Partitions that a living member has to give up. */
function movedCount(
  given: readonly PlannedPartition[],
  owners: ReadonlyMap<number, number | null>,
  memberCount: number,
) {
  return given.filter(({ logId, holderId }) => isMember(holderId, memberCount) && owners.get(logId) !== holderId).length
}

/** What members hold above the smaller even share. */
function surplusCount(given: readonly PlannedPartition[], memberCount: number): number {
  const share = Math.floor(given.length / memberCount)
  const held = Array.from(
    { length: memberCount },
    (_, index) => given.filter(({ holderId }) => holderId === index + 1).length,
  )
  return held.reduce((sum, count) => sum + Math.max(0, count - share), 0)
}

function isMember(holderId: number | null, memberCount: number): boolean {
  return holderId !== null && holderId <= memberCount
}

function plan(members: readonly PlannedMember[], given: readonly PlannedPartition[]) {
  return Object.fromEntries(planAssignment(members, given))
}

function member(memberId: number, ...topics: readonly string[]): PlannedMember {
  return { memberId, topics: new Set(topics.length === 0 ? ['topic'] : topics) }
}

function partition(logId: number): PlannedPartition {
  return { logId, topic: 'topic', holderId: null }
}

function partitions(count: number, holderId: number | null = null): readonly PlannedPartition[] {
  return Array.from({ length: count }, (_, index) => ({ ...partition(index + 1), holderId }))
}
