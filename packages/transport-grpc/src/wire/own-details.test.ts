import { expect, test } from 'vitest'
import { readOwnDetails, writeOwnDetails } from './own-details.ts'

const carried = (details: Readonly<Record<string, unknown>>): unknown => {
  const bytes = writeOwnDetails(details)
  return bytes && readOwnDetails(bytes)
}

test('details of all JSON types come through', () => {
  const details = {
    text: 'ü',
    whole: 120,
    part: 0.5,
    no: false,
    none: null,
    list: ['a', 1, []],
    deep: { a: { b: {} } },
  }
  expect(carried(details)).toEqual(details)
})

test('what JSON leaves out is left out', () => {
  expect(carried({ gone: undefined, kept: 1, when: new Date(0) })).toEqual({
    kept: 1,
    when: '1970-01-01T00:00:00.000Z',
  })
})

test('no details, and such as JSON cannot say, are none', () => {
  expect(carried({})).toBeUndefined()
  expect(carried({ gone: undefined })).toBeUndefined()
  expect(carried({ big: 1n })).toBeUndefined()
})

test('details are whole or not there at all', () => {
  expect(carried({ text: 'x'.repeat(480) })).toEqual({ text: 'x'.repeat(480) })
  expect(carried({ text: 'x'.repeat(512) })).toBeUndefined()
  expect(carried({ text: 'ü'.repeat(300) })).toBeUndefined()
})

test('half of a surrogate pair is replaced, as UTF-8 has none', () => {
  expect(carried({ text: 'a\uD800' })).toEqual({ text: 'a\uD800'.toWellFormed() })
})
