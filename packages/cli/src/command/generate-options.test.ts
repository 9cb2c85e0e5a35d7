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
  })
  expect(choicesOf('--out', 'deploy', '--export', 'a', '--overwrite', '--json')).toEqual({
    out: 'deploy',
    exportName: 'a',
    isCheck: false,
    isOverwrite: true,
    isJson: true,
  })
})

it('refuses to check and overwrite at once', () => {
  expect(() => choicesOf('--check', '--overwrite')).toThrow('--check writes nothing')
})
