import { expect, it } from 'vitest'
import { passedMoments } from './passed-moments.ts'

const secondly = (afterMs: number) => (Math.floor(afterMs / 1_000) + 1) * 1_000
const daily = (afterMs: number) => (Math.floor(afterMs / 86_400_000) + 1) * 86_400_000

it('finds nothing due before the first moment', () => {
  expect(passedMoments(1_000, 999, secondly)).toEqual({ dueMs: undefined, missedCount: 0, nextMs: 1_000 })
})

it('finds the moment that has come', () => {
  expect(passedMoments(1_000, 1_000, secondly)).toEqual({ dueMs: 1_000, missedCount: 0, nextMs: 2_000 })
})

it('runs the last one of several, and counts the others', () => {
  expect(passedMoments(1_000, 4_300, secondly)).toEqual({ dueMs: 4_000, missedCount: 3, nextMs: 5_000 })
})

it('makes up for none that is more than a minute late', () => {
  const dayMs = 86_400_000
  expect(passedMoments(dayMs, dayMs + 60_000, daily)).toEqual({ dueMs: dayMs, missedCount: 0, nextMs: 2 * dayMs })
  expect(passedMoments(dayMs, dayMs + 60_001, daily)).toEqual({ dueMs: undefined, missedCount: 1, nextMs: 2 * dayMs })
})

it('looks at few of very many', () => {
  let lookedCount = 0
  const counting = (afterMs: number) => {
    lookedCount += 1
    return secondly(afterMs)
  }
  const weekMs = 7 * 86_400_000
  const { dueMs, missedCount, nextMs } = passedMoments(1_000, weekMs, counting)
  expect({ dueMs, nextMs }).toEqual({ dueMs: weekMs, nextMs: weekMs + 1_000 })
  expect(missedCount).toBeGreaterThanOrEqual(1_000)
  expect(lookedCount).toBeLessThan(2_000)
})

it.each([
  ['stands still', (afterMs: number) => afterMs],
  ['goes back', (afterMs: number) => afterMs - 1],
  ['tells no time', () => Number.NaN],
])('ends on a timing that %s', (_what, stuck) => {
  let lookedCount = 0
  const counting = (afterMs: number) => {
    lookedCount += 1
    if (lookedCount > 10) throw new Error('it looks for ever')
    return stuck(afterMs)
  }
  const never = Number.POSITIVE_INFINITY
  expect(passedMoments(1_000, 1_000, counting)).toEqual({ dueMs: 1_000, missedCount: 0, nextMs: never })
})
