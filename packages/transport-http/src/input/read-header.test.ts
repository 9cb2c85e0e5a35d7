import { bytes, int64 } from '@tenon/core/contract'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { compileHeaderReader } from './read-header.ts'

const read = (schema: object, value: string | undefined, name = 'x-field') =>
  compileHeaderReader('field', name, { ...schema })(value === undefined ? {} : { [name]: value })

const asReceived = (text: string) => Buffer.from(text).toString('latin1')

test('a header is read as the type of its field; what is no such value stays text for validation to refuse', () => {
  expect(read(Type.String(), 'a, "b"')).toBe('a, "b"')
  expect(read(Type.Integer(), '7')).toBe(7)
  expect(read(Type.Boolean(), 'true')).toBe(true)
  expect(read(Type.Integer(), 'seven')).toBe('seven')
  expect(read(int64(), '9223372036854775807')).toBe('9223372036854775807')
  expect(read(bytes(), 'AQI=')).toBe('AQI=')
  expect(read(Type.String(), undefined)).toBeUndefined()
  expect(read(Type.String(), '')).toBe('')
})

test('a list is separated by commas', () => {
  expect(read(Type.Array(Type.Integer()), '1, 2,,3')).toEqual([1, 2, 3])
  expect(read(Type.Array(Type.String()), '"a, b",c')).toEqual(['a, b', 'c'])
  expect(read(Type.Array(Type.String()), '')).toEqual([])
  expect(
    compileHeaderReader('field', 'x-field', { ...Type.Array(Type.String()) })({ 'x-field': ['a', 'b, c'] }),
  ).toEqual(['a', 'b', 'c'])
})

test('what is no ASCII is UTF-8, or refused by the name of the field', () => {
  expect(read(Type.String(), asReceived('Zoë 💧'))).toBe('Zoë 💧')
  expect(read(Type.Array(Type.String()), asReceived('ä, "ö, ü"'))).toEqual(['ä', 'ö, ü'])
  expect(() => read(Type.String(), 'Zoë')).toThrow(
    expect.objectContaining({
      code: 'invalid_argument',
      details: { violations: [{ field: '/field', message: 'must be UTF-8', rule: 'unicode' }] },
    }),
  )
})

test('if-match is the version without its quotes; a star and no header are none', () => {
  expect(read(Type.String(), '"a%20b"', 'if-match')).toBe('a b')
  expect(read(Type.Integer(), ' "7" ', 'if-match')).toBe(7)
  expect(read(Type.Integer(), '"x"', 'if-match')).toBe('x')
  for (const none of ['*', undefined]) expect(read(Type.Integer(), none, 'if-match')).toBeUndefined()
  expect(read(Type.Array(Type.Integer()), '"1", W/"2", "3"', 'if-match')).toEqual([1, 3])
})

test('if-match that cannot be one version is refused, and a weak one matches none', () => {
  for (const wrong of ['7', '"1", "2"', '', '"1" "2"', 'W/7'])
    expect(() => read(Type.Integer(), wrong, 'if-match')).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        reason: 'malformed_header',
        message: 'if-match must be one version in double quotes, or *',
        details: { header: 'if-match' },
      }),
    )
  expect(() => read(Type.Integer(), 'W/"1"', 'if-match')).toThrow(
    expect.objectContaining({ code: 'failed_precondition', reason: 'version_mismatch' }),
  )
})

test('if-none-match of a write may be weak, and its star is told', () => {
  expect(read(Type.String(), 'W/"1"', 'if-none-match')).toBe('1')
  expect(read(Type.String(), '*', 'if-none-match')).toBe('*')
  expect(read(Type.Array(Type.String()), '*', 'if-none-match')).toEqual(['*'])
})

test('a header that is as long as headers may be is read in time', () => {
  for (const text of ['"', '\\"', ' ', ',', '"\\', '",'])
    expect(read(Type.Array(Type.String()), text.repeat(8_000))).toBeInstanceOf(Array)
})
