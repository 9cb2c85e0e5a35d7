import { expect, test } from 'vitest'
import { ReadBackOffsets } from './read-back-offsets.ts'

/** Offsets of records of which those that are open are not done with; all before the end was read. */
function opened(open: Set<number>, end: number) {
  const offsets = new ReadBackOffsets(() => Math.min(end, ...open))
  const begin = (offset: number) => offsets.begin({ offset, timestampAt: offset, sourceOffset: offset + 100 })
  const finish = (begun: ReturnType<typeof begin>) => {
    open.delete(begun.offset)
    return offsets.finish(begun)
  }
  return { offsets, begin, finish }
}

test('a commit covers what lies before the first that is open, whether that was begun or put back', () => {
  const { offsets, begin, finish } = opened(new Set([3, 4, 5]), 6)
  const [three, four, five] = [begin(3), begin(4), begin(5)]
  offsets.putBack(four)
  expect([offsets.uncommittedCount, offsets.oldest?.sourceOffset]).toEqual([2, 103])
  expect([finish(three), finish(five)]).toEqual([4, undefined])
  expect([offsets.committableCount, offsets.aheadCount, offsets.uncommitted?.offset]).toEqual([1, 1, 3])
  offsets.commit(4)
  expect([offsets.uncommittedCount, offsets.uncommitted?.offset]).toEqual([1, 5])
  expect(finish(begin(4))).toBe(6)
  offsets.commit(6)
  expect(offsets.uncommittedCount).toBe(0)
})

test('what needs no commit any more takes no room', () => {
  const { offsets, begin, finish } = opened(new Set([3, 4]), 5)
  const three = begin(3)
  finish(begin(4))
  offsets.drop([4])
  expect([offsets.uncommittedCount, offsets.aheadCount]).toEqual([1, 0])
  expect(finish(three)).toBe(5)
})

test('what nothing is done with is covered when all before it is', () => {
  const open = new Set([3])
  const { offsets, begin, finish } = opened(open, 7)
  const three = begin(3)
  expect(offsets.pass()).toBeUndefined()
  expect([finish(three), offsets.pass()]).toEqual([7, undefined])
})
