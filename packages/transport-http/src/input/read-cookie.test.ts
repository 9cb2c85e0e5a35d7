import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileCookieReader, cookieOf } from './read-cookie.ts'

test.each([
  ['id=1', '1'],
  ['a=2; id=1; b=3', '1'],
  ['a=2;id=1', '1'],
  ['id=1; id=2', '1'],
  ['xid=2; id=1', '1'],
  [' id = 1 ', '1'],
  ['id="1"', '1'],
  ['id=a%20b%C3%BC', 'a bü'],
  ['id=100%', '100%'],
  ['id=%ff', '%ff'],
  ['id=a=b', 'a=b'],
  ['id=', ''],
  ['id', undefined],
  ['ID=1', undefined],
  ['', undefined],
])('the cookie of %j is %j', (header, value) => {
  expect(cookieOf(header, 'id')).toBe(value)
})

test('it is read as the type of its field', () => {
  const read = compileCookieReader('id', { ...Type.Integer() })
  expect([read({ cookie: 'id=7' }), read({ cookie: 'id=x' }), read({})]).toEqual([7, 'x', undefined])
})
