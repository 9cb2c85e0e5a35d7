import { expect, test } from 'vitest'
import { toReason } from './api-error.ts'

test('what failed at every address of a name is told by its code', () => {
  const cause = Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:1')]), { code: 'ECONNREFUSED' })
  expect(toReason(cause)).toBe('ECONNREFUSED')
})

test('what has neither message nor code is told by its name, and what is no error as it is', () => {
  expect(toReason(new TypeError())).toBe('TypeError')
  expect(toReason('cut')).toBe('cut')
})
