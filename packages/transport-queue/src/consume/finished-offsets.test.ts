import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FinishedOffsets } from './finished-offsets.ts'

test('moves only when the oldest message is finished, then over all that are', () => {
  const offsets = new FinishedOffsets()
  for (const offset of [3, 4, 7, 8]) offsets.begin({ offset, timestampAt: offset * 10 })
  expect([offsets.finish(4), offsets.finish(8)]).toEqual([undefined, undefined])
  expect([offsets.openCount, offsets.oldestAt]).toEqual([4, 30])
  expect(offsets.finish(3)).toBe(5)
  expect([offsets.openCount, offsets.oldestAt]).toEqual([2, 70])
  expect(offsets.finish(7)).toBe(9)
  expect([offsets.openCount, offsets.oldestAt]).toEqual([0, undefined])
  expect(offsets.finish(7)).toBeUndefined()
})

test('never passes a message that is not finished, and ends behind the last', () => {
  const numbers = fc.uniqueArray(fc.nat(5_000), { minLength: 1, maxLength: 3_000 })
  fc.assert(
    fc.property(numbers, (finishing) => {
      const rising = finishing.toSorted((one, other) => one - other)
      const offsets = new FinishedOffsets()
      for (const offset of rising) offsets.begin({ offset, timestampAt: offset })
      const left = new Set(rising)
      let end = 0
      for (const offset of finishing) {
        left.delete(offset)
        end = offsets.finish(offset) ?? end
        const [oldest] = left
        expect(offsets.oldestAt).toBe(oldest)
        expect(end).toBeLessThanOrEqual(oldest ?? end)
      }
      expect([end, offsets.openCount]).toEqual([(rising.at(-1) ?? 0) + 1, 0])
    }),
    { numRuns: 50 },
  )
})
