import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { noted, yamlText } from './yaml-text.ts'

it('writes the reason of a value above it: of a field, of an item, of a whole map', () => {
  const text = yamlText(['Head.'], {
    one: noted(1, 'a guess'),
    list: [noted({ name: 'a' }, 'an item'), { name: noted('b', 'below') }],
    map: noted({ two: 2 }, 'two\nlines'),
  })
  expect(text).toBe(
    [
      '# Head.',
      '# a guess',
      'one: 1',
      'list:',
      '  # an item',
      '  - name: a',
      '  - # below',
      '    name: b',
      '# two',
      '# lines',
      'map:',
      '  two: 2',
      '',
    ].join('\n'),
  )
})

it('quotes text that would be read as something else, leaves out what is undefined, and never breaks a line', () => {
  const values = {
    version: '1.0',
    yes: 'yes',
    colon: 'a: b',
    hash: 'a # b',
    empty: '',
    long: 'word '.repeat(60).trim(),
  }
  const text = yamlText([], { ...values, nothing: undefined })
  expect(parse(text)).toEqual(values)
  expect(text.split('\n')).toHaveLength(Object.keys(values).length + 1)
})

it('puts several objects into one file', () => {
  expect(yamlText([], { a: 1 }, { b: 2 })).toBe('a: 1\n---\nb: 2\n')
})
