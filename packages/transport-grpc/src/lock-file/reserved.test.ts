import { expect, test } from 'vitest'
import type { NumberRange } from './lock-file.ts'
import { addReserved, enumNumbers, fieldNumbers, freeNumbers } from './reserved.ts'

const ranges = (...given: NumberRange[]) => ({ ranges: given, names: [] })

test('reserved numbers and names are sorted and joined', () => {
  const one = {
    ranges: [
      [7, 7],
      [2, 3],
    ] satisfies NumberRange[],
    names: ['b'],
  }
  const other = {
    ranges: [
      [4, 5],
      [3, 3],
    ] satisfies NumberRange[],
    names: ['a', 'b'],
  }
  expect(addReserved(one, other)).toEqual({
    ranges: [
      [2, 5],
      [7, 7],
    ],
    names: ['a', 'b'],
  })
})

test.each([
  ['none', [], ranges(), [1, 2]],
  ['used ones', [4, 2], ranges(), [5, 6]],
  ['reserved ones', [2], ranges([3, 9]), [10, 11]],
  ['what protobuf keeps for itself', [18_998], ranges(), [18_999, 20_000]],
  ['a range to the very end, below which there is room', [2], ranges([5, Number.POSITIVE_INFINITY]), [3, 4]],
  ['the last one', [536_870_910], ranges(), [536_870_911, undefined]],
])('new numbers come above %s', (_, used, reserved, expected) => {
  const next = freeNumbers(used, reserved, fieldNumbers)
  expect([next(), next()]).toEqual(expected)
})

test('numbers of an enum end where those of an int32 do, and none are kept', () => {
  const next = freeNumbers([18_999], ranges(), enumNumbers)
  expect(next()).toBe(19_000)
  expect(freeNumbers([2_147_483_647], ranges(), enumNumbers)()).toBeUndefined()
})
