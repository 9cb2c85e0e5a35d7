import { expect, it } from 'vitest'
import { noted, yamlText } from './yaml-text.ts'

it('writes a reason beside what is one line, and above what is several', () => {
  const fields = {
    grace: noted('26s', 'from the code'),
    drop: noted(['ALL'], 'all of them'),
    ports: noted([{ port: noted(1, 'one') }], 'what listens'),
    probe: noted({ path: '/livez' }, 'asked\nevery 10 s'),
  }
  expect(yamlText(fields, 'Head\nof two lines')).toBe(
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

it('quotes what would be read as another kind, leaves out what is undefined, and breaks no line', () => {
  const long = 'word '.repeat(60).trim()
  const text = yamlText({ number: '26000', truth: 'yes', nothing: undefined, long, empty: {} }, 'x')
  expect(text).toBe(`# x\n\nnumber: '26000'\ntruth: 'yes'\nlong: ${long}\nempty: {}\n`)
})
