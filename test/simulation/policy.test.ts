import { describe, expect, it } from 'vitest'
import { Document, isWhole, named, wholeLimitMs } from './document.test-harness.ts'
import { allScenarios, comparisons, policy, sound } from './policy.ts'
import { outages, type Scenario } from './scenario.ts'
import type { Result, Size } from './simulate.ts'
import { small } from './table.ts'

const document = new Document('policy.md')
const steady = named(allScenarios, 'steady')
const allFailing = named(allScenarios, 'all failing')
const isOutage = ({ name }: Scenario): boolean => name.startsWith('all ')
/** What of a service is left while it happens is enough for all calls. */
const survivable = allScenarios.filter((scenario) => !scenario.name.endsWith('herd') && !isOutage(scenario))

it.runIf(isWhole)(
  'everything comes to what policy.md says',
  async () => {
    let all = ''
    for await (const line of policy.lines()) all += `${line}\n`
    expect(all).toBe(document.text)
  },
  wholeLimitMs,
)

describe('a client with retries and a breaker', () => {
  const name = 'retry, breaker'

  it.each(allScenarios)(
    'stands: $name',
    async (scenario) => {
      const healthy = await healthyP99(name, small)
      const result = await policy.resultOf({ scenario, size: small, name })
      requireTargets(result, { scenario })
      if (survivable.includes(scenario)) expect(result.affected.p99Ms).toBeLessThanOrEqual(2 * healthy)
      expect(policy.rowOf(name, result)).toBe(document.row(scenario, small, name))
    },
    60_000,
  )

  it.each(['one flapping', 'one dead', 'rolling restart', 'zone loss'])('fails no call: %s', (scenario) => {
    expect(document.figures(named(allScenarios, scenario), small, name)['failed %']).toBe(0)
  })
})

describe('retries without a breaker', () => {
  it.each([
    ['retry', 1.1],
    ['roundRobin, 3 attempts', 3],
  ])('%s: %d attempts of a call while all fail', (name, attempts) => {
    expect(document.figures(allFailing, small, name)['attempts']).toBe(attempts)
  })

  it.each(outages.map((scenario) => ({ scenario })))(
    'succeed again within five seconds: $scenario.name',
    async ({ scenario }) => {
      const { healedMs, load, meanwhile } = await policy.resultOf({ scenario, size: small, name: 'retry' })
      const { meanwhile: withoutRetries } = await policy.resultOf({ scenario, size: small, name: 'none' })
      // A tenth of the calls of the last ten seconds, which are by chance some more than those of the outage.
      expect(meanwhile.attemptsPerCall - withoutRetries.attemptsPerCall).toBeLessThanOrEqual(0.105)
      expect(healedMs).toBeLessThan(5_000)
      expect(load.least).toBeGreaterThanOrEqual(0.8)
      expect(load.most).toBeLessThanOrEqual(1.2)
    },
    60_000,
  )
})

describe.each(comparisons)('policy.md for $size.instanceCount instances', ({ size, scenarios, names }) => {
  describe.each(sound.filter((name) => names.includes(name)))('%s', (name) => {
    it.each(scenarios)('meets the targets: $name', (scenario) => {
      const figures = document.figures(scenario, size, name)
      const attemptsOfNone = document.figures(scenario, size, 'none')['attempts'] ?? Number.NaN
      expect(figures['least load']).toBeGreaterThanOrEqual(0.8)
      expect(figures['most load']).toBeLessThanOrEqual(1.2)
      expect(figures['recovery s']).toBeLessThan(5)
      if (isOutage(scenario)) expect(figures['attempts']).toBeLessThanOrEqual(1.1 * attemptsOfNone)
      if (!survivable.includes(scenario)) return
      expect(figures['p99 ms']).toBeLessThanOrEqual(2 * (document.figures(steady, size, name)['p99 ms'] ?? Number.NaN))
    })
  })
})

describe.runIf(isWhole)('other chance', () => {
  const seeds = [1, 2, 3, 4, 5]

  it.each(sound.flatMap((name) => seeds.map((seed) => ({ name, seed }))))(
    'comes to the same targets: $name, seed $seed',
    async ({ name, seed }) => {
      for (const scenario of allScenarios)
        requireTargets(await policy.resultOf({ scenario, size: small, name }, seed), { scenario, share: 0.25 })
    },
    600_000,
  )
})

interface Judged {
  readonly scenario: Scenario
  /** How far a load may be from the mean: with many seeds, chance alone makes some more of the least of them. */
  readonly share?: number
}

/** A figure of recovery is the end of the half second with the last call that failed. */
function requireTargets({ load, healedMs, meanwhile }: Result, { scenario, share = 0.2 }: Judged): void {
  const { name } = scenario
  expect(healedMs, name).toBeLessThan(5_000)
  expect(load.least, name).toBeGreaterThanOrEqual(1 - share)
  expect(load.most, name).toBeLessThanOrEqual(1 + share)
  if (isOutage(scenario)) expect(meanwhile.attemptsPerCall, name).toBeLessThanOrEqual(1.1)
}

const healthyP99s = new Map<string, Promise<Result>>()

async function healthyP99(name: string, size: Size): Promise<number> {
  const known = healthyP99s.get(name) ?? policy.resultOf({ scenario: steady, size, name })
  healthyP99s.set(name, known)
  const { affected } = await known
  return affected.p99Ms
}
