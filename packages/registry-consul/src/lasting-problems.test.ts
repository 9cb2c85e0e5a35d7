import { expect, it } from 'vitest'
import { LastingProblems } from './lasting-problems.ts'

it('tells each problem once, and again when it has come back', () => {
  const lasting = new LastingProblems()
  expect(lasting.take(['a', 'b', 'a'])).toEqual({ fresh: ['a', 'b'], isOther: true })
  expect(lasting.take(['b', 'a'])).toEqual({ fresh: [], isOther: false })
  expect(lasting.take(['b'])).toEqual({ fresh: [], isOther: true })
  expect(lasting.take([])).toEqual({ fresh: [], isOther: true })
  expect(lasting.take([])).toEqual({ fresh: [], isOther: false })
  expect(lasting.take(['a'])).toEqual({ fresh: ['a'], isOther: true })
})
