import { expect, test } from 'vitest'
import { AsideAllowance } from './aside-allowance.ts'

test.each([
  [1_000, 10],
  [99, 1],
  [1, 1],
])('of a window of %i messages %i may be set aside with nothing handled', (maxUncommittedCount, count) => {
  const allowance = new AsideAllowance(maxUncommittedCount)
  allowance.begin(0)
  expect(allowance.count).toBe(count)
})

test('what is handled gives back what was taken, and no more', () => {
  const allowance = new AsideAllowance(200)
  allowance.begin(0)
  for (const how of ['set aside', 'followed', 'set aside', 'set aside'] as const) allowance.note(how)
  expect(allowance.count).toBe(0)
  allowance.note('handled')
  expect(allowance.count).toBe(1)
  for (let count = 0; count < 5; count++) allowance.note('handled')
  expect(allowance.count).toBe(2)
})

test('an owner begins with less where keys are set aside already', () => {
  const allowance = new AsideAllowance(300)
  allowance.begin(2)
  expect(allowance.count).toBe(1)
  allowance.begin(5)
  expect(allowance.count).toBe(0)
})
