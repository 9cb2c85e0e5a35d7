import { expect, test } from 'vitest'
import { listItems, unquote } from './header-list.ts'

const textsOf = (text: string) => listItems(text, 'quoted-string').map(unquote)

test('items are cut at commas outside of quotes, and empty ones do not count', () => {
  expect(textsOf('a, b\t,c')).toEqual(['a', 'b', 'c'])
  expect(textsOf(',, a,\t,')).toEqual(['a'])
  expect(textsOf('')).toEqual([])
  expect(textsOf('"a, b", "c\\"d\\\\", ""')).toEqual(['a, b', 'c"d\\', ''])
})

test('a quote that does not end takes the rest, one within an item is part of it', () => {
  expect(textsOf('a, "b, c')).toEqual(['a', '"b, c'])
  expect(textsOf('a"b,c"d, e')).toEqual(['a"b,c"d', 'e'])
  expect(textsOf('"')).toEqual(['"'])
  expect(textsOf('"a\\')).toEqual(['"a\\'])
})

test('a backslash is nothing special in an entity tag', () => {
  expect(listItems('"a\\", "b"', 'entity-tag')).toEqual(['"a\\"', '"b"'])
})
