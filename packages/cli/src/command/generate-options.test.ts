import { expect, it } from 'vitest'
import { generateChoices, generateOptions } from './generate-options.ts'
import { parseArguments } from './parse-arguments.ts'

const choicesOf = (...args: readonly string[]) => generateChoices(parseArguments(args, generateOptions))

it('reads the options of every generator', () => {
  expect(choicesOf()).toEqual({
    out: undefined,
    exportName: undefined,
    isCheck: false,
    isOverwrite: false,
    isJson: false,
    given: {},
  })
  expect(
    choicesOf('--out', 'deploy', '--export', 'a', '--overwrite', '--json', '--set', 'A=1', '--set', 'B=c=d'),
  ).toEqual({
    out: 'deploy',
    exportName: 'a',
    isCheck: false,
    isOverwrite: true,
    isJson: true,
    given: { A: '1', B: 'c=d' },
  })
})

it('refuses a setting without a name or a value', () => {
  for (const text of ['USER_ADDRESS', '=1'])
    expect(() => choicesOf('--set', text)).toThrow(`--set: expected NAME=value, found "${text}"`)
})

it('refuses to check and overwrite at once', () => {
  expect(() => choicesOf('--check', '--overwrite')).toThrow('--check writes nothing')
})
