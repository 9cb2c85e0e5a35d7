import { expect, it } from 'vitest'
import { readDeprecation } from './deprecation.ts'

const link = 'https://example.com/moves#users'

it('takes apart when an operation goes out of use', () => {
  const at = '2026-01-01T00:00:00Z'
  const sunset = '2026-06-30T23:59:59.5+02:00'
  expect(readDeprecation({ at, sunset, link })).toEqual({
    deprecation: { deprecatedAt: Date.UTC(2026, 0, 1), sunsetAt: Date.UTC(2026, 5, 30, 21, 59, 59, 500), link },
    problems: [],
  })
  expect(readDeprecation({ sunset: at, at }).problems).toEqual([])
})

it('knows of operations that are deprecated and say no more, and of those that are not', () => {
  const nothing = { deprecatedAt: undefined, sunsetAt: undefined, link: undefined }
  for (const spec of [true, {}]) expect(readDeprecation(spec)).toEqual({ deprecation: nothing, problems: [] })
  for (const spec of [false, undefined]) expect(readDeprecation(spec).deprecation).toBeUndefined()
})

const expected = 'must be a date and time such as 2026-01-01T00:00:00Z, found'
it.each<[unknown, readonly string[]]>([
  ['soon', ['deprecated must be true, false or { at, sunset, link }']],
  [{ at: '2026-01-01' }, [`deprecated.at ${expected} "2026-01-01"`]],
  [{ at: '2026-02-31T00:00:00Z' }, [`deprecated.at ${expected} "2026-02-31T00:00:00Z"`]],
  [{ at: '2026-01-01T25:00:00Z' }, [`deprecated.at ${expected} "2026-01-01T25:00:00Z"`]],
  [{ sunset: 1 }, [`deprecated.sunset ${expected} 1`]],
  [
    { at: '2026-01-02T00:00:00Z', sunset: '2026-01-01T00:00:00Z' },
    ['deprecated.sunset must not be before deprecated.at, found 2026-01-01T00:00:00Z and 2026-01-02T00:00:00Z'],
  ],
  [{ link: '/moves' }, ['deprecated.link must be an absolute URL, found "/moves"']],
  [
    { link: 'https://example.com/>; rel="x"' },
    ['deprecated.link must be an absolute URL, found "https://example.com/>; rel=\\"x\\""'],
  ],
  [{ on: 'today' }, ['deprecated: "on" is no setting; expected at, sunset, link']],
])('%j is refused', (spec, problems) => {
  expect(readDeprecation(spec as never).problems).toEqual(problems)
})
