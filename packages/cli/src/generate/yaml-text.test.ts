import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { noted, yamlText } from './yaml-text.ts'

it('writes a reason beside what is one line, and above what is several', () => {
  const fields = {
    grace: noted('26s', 'from the code'),
    drop: noted(['ALL'], 'all of them'),
    ports: noted([{ port: noted(1, 'one') }], 'what listens'),
    probe: noted({ path: '/livez' }, 'asked\nevery 10 s'),
  }
  expect(yamlText([fields], { head: ['Head', 'of two lines'], notes: 'beside' })).toBe(
    [
      '# Head',
      '# of two lines',
      '',
      'grace: 26s # from the code',
      'drop: [ALL] # all of them',
      '# what listens',
      'ports:',
      '  - port: 1 # one',
      '',
      '# asked',
      '# every 10 s',
      'probe:',
      '  path: /livez',
      '',
    ].join('\n'),
  )
})

it('writes the reason of a value above it: of a field, of an item, of a whole map', () => {
  const text = yamlText(
    [
      {
        one: noted(1, 'a guess'),
        list: [noted({ name: 'a' }, 'an item'), { name: noted('b', 'below') }],
        map: noted({ two: 2 }, 'two\nlines'),
      },
    ],
    { head: ['Head.'], notes: 'above' },
  )
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
    number: '26000',
    yes: 'yes',
    on: 'on',
    colon: 'a: b',
    hash: 'a # b',
    empty: '',
    long: 'word '.repeat(60).trim(),
  }
  const text = yamlText([{ ...values, nothing: undefined }], { head: [], notes: 'above' })
  // Of YAML 1.1, which kubectl reads: there a bare `on` is true.
  for (const version of ['1.1', '1.2'] as const) expect(parse(text, { version })).toEqual(values)
  expect(text.split('\n')).toHaveLength(Object.keys(values).length + 1)
})

it('puts several objects into one file', () => {
  expect(yamlText([{ a: 1 }, { b: 2 }], { head: [], notes: 'above' })).toBe('a: 1\n---\nb: 2\n')
})
