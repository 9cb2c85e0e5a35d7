import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FinishedOffsets } from './finished-offsets.ts'
import type { OpenOffset } from './message-offsets.ts'

/** Begins messages of the offsets. Finishes one of them by its offset. */
function begun(offsets: FinishedOffsets, numbers: readonly number[], timestampOf = (offset: number) => offset) {
  const messages = new Map<number, OpenOffset>()
  for (const offset of numbers) messages.set(offset, offsets.begin({ offset, timestampAt: timestampOf(offset) }))
  return (offset: number) => {
    const message = messages.get(offset)
    if (message === undefined) throw new Error(`nothing was begun at ${offset}`)
    return offsets.finish(message)
  }
}

test('moves only when the oldest message is finished, then over all that are', () => {
  const offsets = new FinishedOffsets()
  const finish = begun(offsets, [3, 4, 7, 8], (offset) => offset * 10)
  expect([finish(4), finish(8)]).toEqual([undefined, undefined])
  expect([offsets.committableCount, offsets.oldest?.timestampAt]).toEqual([0, 30])
  expect(finish(3)).toBe(5)
  expect([offsets.committableCount, offsets.oldest?.timestampAt]).toEqual([2, 70])
  expect(finish(7)).toBe(9)
  expect([offsets.committableCount, offsets.oldest?.timestampAt]).toEqual([4, undefined])
  expect(finish(7)).toBeUndefined()
})

test('counts what was begun since the last commit, done with or not', () => {
  const offsets = new FinishedOffsets()
  const finish = begun(offsets, [3, 4, 7, 8], (offset) => offset * 10)
  for (const offset of [3, 4, 8]) finish(offset)
  expect(offsets.uncommittedCount).toBe(4)
  offsets.commit(4)
  expect([offsets.uncommittedCount, offsets.committableCount]).toEqual([3, 1])
  offsets.commit(5)
  offsets.commit(4)
  expect([offsets.uncommittedCount, offsets.committableCount]).toEqual([2, 0])
  finish(7)
  offsets.commit(9)
  expect([offsets.uncommittedCount, offsets.oldest?.timestampAt]).toEqual([0, undefined])
})

test('counts what was handled behind the oldest, less what failed and was set aside', () => {
  const offsets = new FinishedOffsets()
  const oldest = offsets.begin({ offset: 0, timestampAt: 0 })
  const counts = (['handled', 'handled', 'followed', 'set aside'] as const).map((how, index) => {
    offsets.finish(offsets.begin({ offset: index + 1, timestampAt: 0 }), how)
    return offsets.aheadCount
  })
  expect(counts).toEqual([1, 2, 2, 1])
  offsets.finish(oldest, 'set aside')
  expect([offsets.aheadCount, offsets.committableCount]).toEqual([0, 5])
})

test('never passes a message that is not finished, and ends behind the last', () => {
  const numbers = fc.uniqueArray(fc.nat(5_000), { minLength: 1, maxLength: 3_000 })
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 2_000 }), (finishing, commitEveryCount) => {
      const rising = finishing.toSorted((one, other) => one - other)
      const offsets = new FinishedOffsets()
      const finish = begun(offsets, rising)
      const left = new Set(rising)
      let end = 0
      for (const [index, offset] of finishing.entries()) {
        left.delete(offset)
        end = finish(offset) ?? end
        if (index % commitEveryCount === 0) offsets.commit(end)
        const [oldest] = left
        expect(offsets.oldest?.timestampAt).toBe(oldest)
        expect(end).toBeLessThanOrEqual(oldest ?? end)
      }
      offsets.commit(end)
      expect([end, offsets.uncommittedCount]).toEqual([(rising.at(-1) ?? 0) + 1, 0])
    }),
    { numRuns: 50 },
  )
})
