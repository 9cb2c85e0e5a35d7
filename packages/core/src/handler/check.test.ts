import { describe, expect, it } from 'vitest'
import { check } from './check.ts'
import { token } from './provider.ts'

const { signal } = new AbortController()

describe('check()', () => {
  it('gives the check what it needs in that order, and its context after', () => {
    const [one, two] = [token<number>('one'), token<string>('two')]
    const given: unknown[] = []
    const declared = check('sum', (...all) => void given.push(...all), { needs: [one, two] })
    declared.open(1, 'two').run({ signal })
    expect(given).toEqual([1, 'two', { signal }])
    expect(declared).toMatchObject({ name: 'sum', needs: [one, two], settings: { affects: 'readiness' } })
  })

  it('needs nothing where nothing is said', () => {
    expect(check('disk', () => undefined).needs).toEqual([])
  })

  it.each(['', ' disk', 'disk ', 'two\nlines', 'x'.repeat(101), 7])('refuses %j as a name', (name) => {
    expect(() => check(name as string, () => undefined)).toThrow(
      'check(…): the name must be one line of 1 to 100 characters',
    )
  })

  it('refuses what is no function, and options out of range, with its name', () => {
    expect(() => check('disk', undefined as never)).toThrow(
      'check("disk", …): expected a function that throws when the condition does not hold',
    )
    expect(() => check('disk', () => undefined, { intervalMs: 1 })).toThrow(
      'check("disk", …): intervalMs must be from 100 to 3600000, found 1 [config.out_of_range]',
    )
  })
})
