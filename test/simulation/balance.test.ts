import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Scenario, scenarios } from './scenario.ts'
import { comparisons, lines, rowOf, titleOf } from './table.ts'

const text = readFileSync(new URL('balance.md', import.meta.url), 'utf8')

/** The rows of `balance.md` under a title, each by the name of its policy. */
function rowsUnder(title: string): ReadonlyMap<string, string> {
  const section = text.split(/^## /m).find((one) => one.startsWith(`${title}\n`)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| '))
  return new Map(rows.map((row) => [row.split(' | ')[0]?.slice(2) ?? '', row]))
}

/** What a row says, as numbers. */
function figuresOf(row = '') {
  const [p50Ms, p99Ms = Number.NaN, failedPercent, least, most, recoveryS = Number.NaN] = row
    .split(/ ?\| ?/)
    .slice(2)
    .map(Number)
  return { p50Ms, p99Ms, failedPercent, least, most, recoveryS }
}

const named = (name: string): Scenario => scenarios.find((scenario) => scenario.name === name) ?? expect.unreachable()

it.skipIf(process.env['TENON_SIMULATION'] === 'all').each([
  ['one slow', 'peakEwma'],
  ['one silent', 'peakEwma'],
  ['rolling restart', 'peakEwma'],
  ['one slow', 'roundRobin alone'],
])('%s under %s comes to what balance.md says', async (scenario, policy) => {
  const [comparison] = comparisons
  if (comparison === undefined) return expect.unreachable()
  const { size } = comparison
  expect(await rowOf(named(scenario), size, policy)).toBe(rowsUnder(titleOf(named(scenario), size)).get(policy))
})

it.runIf(process.env['TENON_SIMULATION'] === 'all')(
  'everything comes to what balance.md says',
  async () => {
    let all = ''
    for await (const line of lines()) all += `${line}\n`
    expect(all).toBe(text)
  },
  3_600_000,
)

describe.each(comparisons)('$size.instanceCount instances under the default', ({ size }) => {
  const figures = (scenario: string, policy = 'peakEwma') =>
    figuresOf(rowsUnder(titleOf(named(scenario), size)).get(policy))

  it.each(scenarios.map(({ name }) => name))('have a load within 20 %% of the mean when settled: %s', (scenario) => {
    const { least, most } = figures(scenario)
    expect(least).toBeGreaterThanOrEqual(0.8)
    expect(most).toBeLessThanOrEqual(1.2)
  })

  it.each(['one slow', 'one flapping', 'one dead', 'one silent', 'rolling restart', 'zone loss'])(
    'keep p99 within twice that of health: %s',
    (scenario) => {
      expect(figures(scenario).p99Ms).toBeLessThanOrEqual(2 * figures('steady').p99Ms)
      expect(figures(scenario, 'random alone').p99Ms).toBeGreaterThanOrEqual(0.9 * figures(scenario).p99Ms)
    },
  )

  it('have recovered five seconds after a herd of two', () => {
    expect(figures('thundering herd').recoveryS).toBeLessThan(7)
  })
})
