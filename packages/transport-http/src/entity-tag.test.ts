import { expect, test } from 'vitest'
import { isListed, readEntityTags, toEntityTag } from './entity-tag.ts'

test('every text and every whole number is a version, and comes back from its tag', () => {
  for (const version of [
    '7',
    'a,b',
    'a"b',
    'ü 1',
    '100%',
    '%41',
    '',
    '\n',
    'W/',
    '*',
    7,
    -1n,
    9_007_199_254_740_993n,
  ]) {
    const tag = toEntityTag(version) ?? ''
    expect(tag).toMatch(/^"[\x21\x23-\x7e]*"$/)
    expect(readEntityTags(tag)).toEqual([{ isWeak: false, version: String(version) }])
  }
  expect(toEntityTag('abc-1.2_3~/=')).toBe('"abc-1.2_3~/="')
  for (const other of [undefined, null, true, {}]) expect(toEntityTag(other)).toBeUndefined()
})

test('a list of tags may hold commas, weak ones and nothing between two commas', () => {
  expect(readEntityTags('"a,b" ,W/"c",, \t"d\\"')).toEqual([
    { isWeak: false, version: 'a,b' },
    { isWeak: true, version: 'c' },
    { isWeak: false, version: 'd\\' },
  ])
  expect(readEntityTags('')).toEqual([])
  for (const wrong of ['a', '"a', '"a" "b"', '"a";q=1', 'w/"a"', '*', '"a b"', '"a\u007f"'])
    expect([wrong, readEntityTags(wrong)]).toEqual([wrong, undefined])
})

test('a tag is listed whatever its weakness, and by a star', () => {
  for (const header of ['"1"', 'W/"1"', '"0", W/"1"', '*', ' * '])
    expect([header, isListed(header, '"1"')]).toEqual([header, true])
  for (const header of ['"2"', '1', '"1', '"*"', '"11"', ''])
    expect([header, isListed(header, '"1"')]).toEqual([header, false])
})
