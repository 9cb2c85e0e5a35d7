import { expect, test } from 'vitest'
import { statusCodeOf } from './status-code.ts'

test.each([
  ['PostgreSQL', { code: '23505' }, '23505'],
  ['MySQL', { code: 'ER_DUP_ENTRY', errno: 1_062 }, 'ER_DUP_ENTRY'],
  ['the SQLite of Node', { code: 'ERR_SQLITE_ERROR', errcode: 1_555 }, '1555'],
  ['a connection', { code: 'ECONNREFUSED' }, 'ECONNREFUSED'],
  ['a code that is a text', { code: 'no such user: ann@example.com' }, undefined],
  ['an error without a code', {}, undefined],
])('of %s', (_whose, fields, code) => {
  expect(statusCodeOf(Object.assign(new Error('no'), fields))).toBe(code)
})

test('of what is no error there is none', () => {
  expect([statusCodeOf('no'), statusCodeOf(null)]).toEqual([undefined, undefined])
})
