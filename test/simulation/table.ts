import { consistentHash, leastRequests, peakEwma, random, roundRobin, weighted } from '@tenon/core'
import type { TargetPolicy } from '../../packages/core/src/client/policy/target-policy.ts'
import { type Scenario, scenarios } from './scenario.ts'
import { type Result, type Size, simulate } from './simulate.ts'

/** What is compared: each balancer, and the two that know nothing without anything else beside them. */
const policies: Readonly<Record<string, TargetPolicy>> = {
  'random alone': { balancer: random(), ejection: false, warmUpMs: 0 },
  'roundRobin alone': { balancer: roundRobin(), ejection: false, warmUpMs: 0 },
  random: { balancer: random() },
  roundRobin: { balancer: roundRobin() },
  weighted: { balancer: weighted() },
  leastRequests: { balancer: leastRequests() },
  consistentHash: { balancer: consistentHash({ key: { field: 'key' } }) },
  peakEwma: { balancer: peakEwma() },
}

/** A size, and what is compared in it: what costs more where there are more is left out of the large one. */
interface Comparison {
  readonly size: Size
  readonly names: readonly string[]
}

export const comparisons: readonly Comparison[] = [
  { size: { instanceCount: 10, clientCount: 10, serviceMs: 40, spanCount: 3 }, names: Object.keys(policies) },
  {
    size: { instanceCount: 1_000, clientCount: 50, serviceMs: 150, spanCount: 1 },
    names: ['random alone', 'roundRobin alone', 'peakEwma'],
  },
]

const seed = 20_261_122

const headings = ['balancer', 'p50 ms', 'p99 ms', 'failed %', 'least load', 'most load', 'recovery s']

/** One row: what came of a scenario under a policy. */
export async function rowOf(scenario: Scenario, size: Size, name: string): Promise<string> {
  const policy = policies[name]
  if (policy === undefined) throw new Error(`there is no policy ${name}`)
  return toRow([name, ...cellsOf(await simulate({ scenario, size, policy, seed }))])
}

/** All tables, line by line as they come. */
export async function* lines(): AsyncGenerator<string> {
  yield* preface
  for (const { size, names } of comparisons)
    for (const scenario of scenarios) {
      yield `\n## ${titleOf(scenario, size)}\n`
      yield toRow(headings)
      yield toRow(headings.map(() => '---'))
      for (const name of names) yield await rowOf(scenario, size, name)
    }
}

export function titleOf({ name }: Scenario, { instanceCount }: Size): string {
  return `${name}, ${instanceCount} instances`
}

const preface = [
  '# Balancers in simulations',
  '',
  '`npm run simulate` prints this. Clients call a service for 45 seconds, at half of what it has room for; what happens happens after ten.',
  'Half of the time of a call is the same for each, half is exponential; a call ends after two seconds, and none is made again but where',
  'nothing was sent. `p50`, `p99` and `failed` are of the time from the event on. `load` is that of the instances which should have the same, from the 30th',
  'second on, as parts of the mean: the least and the largest of ten in the worst of three spans, of a thousand in one and without the hundredth part at either end.',
  '`recovery` is the time until no two seconds have a `p99` above twice what it was, or one failed call in a hundred. What is `alone`',
  'has no ejection and no slow start beside it.',
]

function cellsOf({ affected, load, recoveryMs }: Result): readonly string[] {
  return [
    affected.p50Ms.toFixed(0),
    affected.p99Ms.toFixed(0),
    (affected.failedRatio * 100).toFixed(2),
    load.least.toFixed(2),
    load.most.toFixed(2),
    recoveryMs === undefined ? 'none' : (recoveryMs / 1_000).toFixed(1),
  ]
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
