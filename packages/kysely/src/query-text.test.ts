import { expect, test } from 'vitest'
import { withoutValues } from './query-text.ts'

test.each([
  [
    'placeholders and names',
    'select "a"."b1", t2.c from "x y" where d = $1 and e = ?',
    'select "a"."b1", t2.c from "x y" where d = $1 and e = ?',
  ],
  ['a text with quotes in it', `where a = 'it''s s3cret' and b = 'x'`, 'where a = ? and b = ?'],
  ['a backslash, which ends nothing', `where a = 'x\\' and b = 's3cret'`, 'where a = ? and b = ?'],
  ['a text with escapes', String.raw`where a = E'it\'s s3cret' and b = 1`, 'where a = ? and b = ?'],
  ['dollar quotes', 'select $tag$s3cret $1$tag$, $$it$$, $2', 'select ?, ?, $2'],
  ['numbers', 'where a = -12.5e3 and b in (1, 0xFF) and c[2] = .5', 'where a = -? and b in (?, ?) and c[?] = .?'],
  ['comments', `select 1 -- s3cret\nfrom a /* 's3cret' */`, 'select ? \nfrom a '],
  ['a name that looks like a text', `select "it's", 'x' from a`, `select "it's", ? from a`],
  ['a text without end', `where a = 's3cret`, 'where a = ?'],
])('%s', (_what, text, shown) => {
  for (const system of ['postgresql', 'sqlite'] as const) expect(withoutValues(text, system)).toBe(shown)
})

test.each([
  [
    'texts in double quotes',
    'select `a` from `b 1` where c = "it\'s s3cret" and d = ?',
    'select `a` from `b 1` where c = ? and d = ?',
  ],
  ['texts with backslashes', String.raw`where a = 'it\'s s3cret' # s3cret`, 'where a = ? '],
])('of MySQL %s', (_what, text, shown) => {
  expect([withoutValues(text, 'mysql'), withoutValues(text, 'mariadb')]).toEqual([shown, shown])
})

test('a long statement is cut, and what was cut in a text stays hidden', () => {
  const shown = withoutValues(`select ${'a, '.repeat(1_361)} '${'s3cret'.repeat(1_000)}' from b`, 'postgresql')
  expect(shown).toMatch(/^select a, .*a, {2}\?…$/)
  expect(withoutValues(`select ${'a, '.repeat(2_000)}b`, 'sqlite')).toHaveLength(4_097)
})
