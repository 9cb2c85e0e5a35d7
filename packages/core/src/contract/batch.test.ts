import { expect, test } from 'vitest'
import { toBatch } from './batch.ts'

test('fills in how long a batch waits', () => {
  expect(toBatch('here', { maxCount: 1 })).toEqual({ maxCount: 1, maxWaitMs: 100 })
  expect(toBatch('here', { maxCount: 10_000, maxWaitMs: 0 })).toEqual({ maxCount: 10_000, maxWaitMs: 0 })
})

test.each([
  [{}, 'here: maxCount must be a whole number from 1 to 10000, found nothing'],
  [{ maxCount: 0 }, 'here: maxCount must be a whole number from 1 to 10000, found 0'],
  [{ maxCount: 1, maxWaitMs: 60_001 }, 'here: maxWaitMs must be a whole number from 0 to 60000, found 60001'],
  [{ maxCount: 1.5, maxWaitMs: 'x' }, 'here: maxCount must be a whole number from 1 to 10000, found 1.5'],
  [{ maxCount: 1, maxwaitms: 1 }, 'here: "maxwaitms" is no setting; expected maxCount, maxWaitMs'],
  [[], 'here must be an object'],
  [5, 'here must be an object, found 5'],
])('refuses %j, naming what was expected', (given, message) => {
  expect(() => toBatch('here', given as never)).toThrow(message)
})
