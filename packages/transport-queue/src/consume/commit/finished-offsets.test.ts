import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FinishedOffsets } from './finished-offsets.ts'

test('moves only when the oldest message is finished, then over all that are', () => {
  const offsets = new FinishedOffsets()
  for (const offset of [3, 4, 7, 8]) offsets.begin({ offset, timestampAt: offset * 10 })
  expect([offsets.finish(4), offsets.finish(8)]).toEqual([undefined, undefined])
  expect([offsets.committableCount, offsets.oldestAt]).toEqual([0, 30])
  expect(offsets.finish(3)).toBe(5)
  expect([offsets.committableCount, offsets.oldestAt]).toEqual([2, 70])
  expect(offsets.finish(7)).toBe(9)
  expect([offsets.committableCount, offsets.oldestAt]).toEqual([4, undefined])
  expect(offsets.finish(7)).toBeUndefined()
})

test('counts what was begun since the last commit, done with or not', () => {
  const offsets = new FinishedOffsets()
  for (const offset of [3, 4, 7, 8]) offsets.begin({ offset, timestampAt: offset * 10 })
  for (const offset of [3, 4, 8]) offsets.finish(offset)
  expect(offsets.uncommittedCount).toBe(4)
  offsets.commit(4)
  expect([offsets.uncommittedCount, offsets.committableCount]).toEqual([3, 1])
  offsets.commit(5)
  offsets.commit(4)
  expect([offsets.uncommittedCount, offsets.committableCount]).toEqual([2, 0])
  offsets.finish(7)
  offsets.commit(9)
  expect([offsets.uncommittedCount, offsets.oldestAt]).toEqual([0, undefined])
})

test('never passes a message that is not finished, and ends behind the last', () => {
  const numbers = fc.uniqueArray(fc.nat(5_000), { minLength: 1, maxLength: 3_000 })
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 2_000 }), (finishing, commitEveryCount) => {
      const rising = finishing.toSorted((one, other) => one - other)
      const offsets = new FinishedOffsets()
      for (const offset of rising) offsets.begin({ offset, timestampAt: offset })
      const left = new Set(rising)
      let end = 0
      for (const [index, offset] of finishing.entries()) {
        left.delete(offset)
        end = offsets.finish(offset) ?? end
        if (index % commitEveryCount === 0) offsets.commit(end)
        const [oldest] = left
        expect(offsets.oldestAt).toBe(oldest)
        expect(end).toBeLessThanOrEqual(oldest ?? end)
      }
      offsets.commit(end)
      expect([end, offsets.uncommittedCount]).toEqual([(rising.at(-1) ?? 0) + 1, 0])
    }),
    { numRuns: 50 },
  )
})
