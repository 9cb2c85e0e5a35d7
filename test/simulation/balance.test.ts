import { describe, expect, it } from 'vitest'
import { balance, comparisons } from './balance.ts'
import { Document, isWhole, named, wholeLimitMs } from './document.test-harness.ts'
import { scenarios } from './scenario.ts'
import { large, small } from './table.ts'

const document = new Document('balance.md')

it.skipIf(isWhole).each([
  ['one slow', 'peakEwma'],
  ['one silent', 'peakEwma'],
  ['rolling restart', 'peakEwma'],
  ['one slow', 'roundRobin alone'],
])('%s under %s comes to what balance.md says', async (scenarioName, name) => {
  const scenario = named(scenarios, scenarioName)
  const result = await balance.resultOf({ scenario, size: small, name })
  expect(balance.rowOf(name, result)).toBe(document.row(scenario, small, name))
})

it.skipIf(isWhole)(
  'a rolling restart of a thousand instances comes to what balance.md says',
  async () => {
    const scenario = named(scenarios, 'rolling restart')
    const result = await balance.resultOf({ scenario, size: large, name: 'peakEwma' })
    expect(balance.rowOf('peakEwma', result)).toBe(document.row(scenario, large, 'peakEwma'))
  },
  120_000,
)

it.runIf(isWhole)(
  'everything comes to what balance.md says',
  async () => {
    let all = ''
    for await (const line of balance.lines()) all += `${line}\n`
    expect(all).toBe(document.text)
  },
  wholeLimitMs,
)

describe.each(comparisons)('$size.instanceCount instances under the default', ({ size }) => {
  const figures = (scenario: string, name = 'peakEwma') => document.figures(named(scenarios, scenario), size, name)

  it.each(scenarios.map(({ name }) => name))('have a load within 20 %% of the mean when settled: %s', (scenario) => {
    expect(figures(scenario)['least load']).toBeGreaterThanOrEqual(0.8)
    expect(figures(scenario)['most load']).toBeLessThanOrEqual(1.2)
  })

  it.each(['one slow', 'one flapping', 'one dead', 'one silent', 'rolling restart', 'zone loss'])(
    'keep p99 within twice that of health: %s',
    (scenario) => {
      const [p99Ms = Number.NaN, healthyMs = Number.NaN] = [figures(scenario)['p99 ms'], figures('steady')['p99 ms']]
      expect(p99Ms).toBeLessThanOrEqual(2 * healthyMs)
      expect(figures(scenario, 'random alone')['p99 ms']).toBeGreaterThanOrEqual(0.9 * p99Ms)
    },
  )

  it('have recovered five seconds after a herd of two', () => {
    expect(figures('thundering herd')['recovery s']).toBeLessThan(7)
  })
})
