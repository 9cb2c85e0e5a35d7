import { consistentHash, leastRequests, peakEwma, random, type RemotePolicy, roundRobin, weighted } from '@tenon/core'
import { scenarios } from './scenario.ts'
import { alone, large, loadColumns, small, Table, timeColumns, toSeconds } from './table.ts'

/** What is compared: each balancer, and the two that know nothing without anything else beside them. */
const policies: Readonly<Record<string, RemotePolicy>> = {
  'random alone': { balancer: random(), ...alone },
  'roundRobin alone': { balancer: roundRobin(), ...alone },
  random: { balancer: random() },
  roundRobin: { balancer: roundRobin() },
  weighted: { balancer: weighted() },
  leastRequests: { balancer: leastRequests() },
  consistentHash: { balancer: consistentHash({ key: { field: 'key' } }) },
  peakEwma: { balancer: peakEwma() },
}

export const comparisons = [
  { size: small, scenarios, names: Object.keys(policies) },
  { size: large, scenarios, names: ['random alone', 'roundRobin alone', 'peakEwma'] },
]

/** `balance.md` */
export const balance = new Table({
  preface: [
    '# Balancers in simulations',
    '',
    '`npm run simulate` prints this. Clients call a service for 45 seconds, at half of what it has room for; what happens happens after ten.',
    'Half of the time of a call is the same for each, half is exponential; a call ends after two seconds, and none is made again but where',
    'nothing was sent. `p50`, `p99` and `failed` are of the time from the event on. `load` is that of the instances which should have the same, from the 30th',
    'second on, as parts of the mean: the least and the largest of ten in the worst of three spans, of a thousand in one and without the hundredth part at either end.',
    '`recovery` is the time until no two seconds have a `p99` above twice what it was, or one failed call in a hundred. What is `alone`',
    'has no ejection and no slow start beside it.',
  ],
  subject: 'balancer',
  policies,
  comparisons,
  columns: {
    ...timeColumns,
    ...loadColumns,
    'recovery s': ({ recoveryMs }) => toSeconds(recoveryMs),
  },
})
