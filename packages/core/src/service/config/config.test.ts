import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import { flag, integer, isVariableName, list, optional, port, text } from './config.ts'

const error = (code: 'config.out_of_range' | 'config.malformed', message: string) =>
  new ConfigError([{ code, message }])

describe('a reader', () => {
  it.each(['', ' ', 'x', '1e3', '0x10', '1 ', '+1', '99999999999999999999', '9007199254740993', '-', 'NaN', '１'])(
    'takes %j for no whole number',
    (given) => expect(integer('N').parse(given)).toBeUndefined(),
  )

  it('reads the ends of a range', () => {
    const { parse } = integer('N', undefined, { min: -1, max: 1 })
    expect(['-2', '-1', '0', '1', '2'].map(parse)).toEqual([undefined, -1, 0, 1, undefined])
    expect(['0', '65535', '65536', '-1'].map(port('P').parse)).toEqual([0, 65_535, undefined, undefined])
  })

  it('says of nothing but commas that nothing is set', () => {
    const { isBlank, parse } = list('L')
    expect(['', ',', ' , ,', 'a', ',a'].map((given) => isBlank?.(given))).toEqual([true, true, true, false, false])
    expect(parse(' a:1, ,b:2,')).toEqual(['a:1', 'b:2'])
    expect(Object.isFrozen(parse('a'))).toBe(true)
  })

  it('has an example that it would accept itself', () => {
    const readers = [port('A'), integer('B'), integer('C', undefined, { min: 5 }), integer('D', undefined, { max: -5 })]
    for (const { example, parse } of readers) expect(parse(String(example))).toBe(example)
    expect(text('E').parse(text('E').example ?? '')).toBe('example')
    expect(list('F').parse('example')).toEqual(list('F').example)
    expect(flag('G').parse(String(flag('G').example))).toBe(false)
  })

  it.each([
    [() => port('P', 70_000), 'P: the fallback must be a whole number from 0 to 65535, found 70000'],
    [() => port('P', 1.5), 'P: the fallback must be a whole number from 0 to 65535, found 1.5'],
    [() => integer('I', Number.NaN), expect.stringContaining('found NaN')],
    [() => integer('I', Number.POSITIVE_INFINITY), expect.stringContaining('found Infinity')],
    [() => integer('I', 2 ** 53), expect.stringContaining('found 9007199254740992')],
    [() => integer('I', '5' as never), expect.stringContaining('found "5"')],
    [() => integer('I', 5, { min: 10 }), 'I: the fallback must be a whole number from 10 to 9007199254740991, found 5'],
    [
      () => integer('I', 5, { min: 10, max: 1 }),
      'I: expected a range of whole numbers whose min is not above its max, found 10–1',
    ],
    [() => integer('I', 5, { min: Number.NaN }), expect.stringContaining('found NaN–9007199254740991')],
    [() => text('T', ''), 'T: the fallback must be text, found ""'],
    [() => text('T', 5 as never), 'T: the fallback must be text, found 5'],
    [() => list('L', ['a', ' ']), 'L: the fallback must be texts separated by commas, found ["a"," "]'],
    [() => flag('F', 'yes' as never), 'F: the fallback must be true or false, found "yes"'],
  ])('refuses a fallback or a range that could not be: %s', (define, message) => {
    expect(define).toThrow(expect.objectContaining({ problems: [{ code: 'config.out_of_range', message }] }))
  })

  it('keeps a fallback of its own that nobody can change', () => {
    const given = ['a']
    const { fallback } = list('L', given)
    given.push('b')
    expect(fallback).toEqual(['a'])
    expect(Object.isFrozen(fallback)).toBe(true)
    expect(list('L', []).fallback).toEqual([])
  })

  it.each([port, integer, text, optional, list, flag])('refuses what is no name of a variable: %s', (define) => {
    for (const name of ['', 'A B', '../A', 'a/b', '1A', 'A='])
      expect(() => define(name)).toThrow(
        error(
          'config.malformed',
          `expected the name of an environment variable such as HTTP_PORT, found ${JSON.stringify(name)}`,
        ),
      )
    for (const name of ['A', '_a', 'http.port', 'HTTP-PORT']) expect(isVariableName(name)).toBe(true)
  })
})
