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

export const comparisons = [small, large].map((size) => ({ size, scenarios, names: Object.keys(policies) }))

/** `balance.md` */
export const balance = new Table({
  preface: [
    '# Balancers in simulations',
    '',
    '`npm run simulate` prints this. Clients call a service for 45 seconds, at half of what it has room for; what happens happens after ten.',
    'Half of the time of a call is the same for each, half is exponential; a call ends after two seconds, and none is made again but where',
    'nothing was sent. Ten clients call ten instances, fifty call a thousand. `p50`, `p99` and `failed` are of the time from the event on.',
    '`load` is that of the instances which should have the same, from the 30th second on, as parts of the mean: the least and the largest, of each over all that time or of',
    'neighbours in one of its three spans, whichever is worse. Ten have enough calls to be looked at one by one in a span; of a thousand ten neighbours are taken together there, and the hundredth',
    'part at either end is left to chance. `recovery` is the time until no two seconds have a `p99` above twice what it was, or one failed call in a hundred. What is `alone`',
    'has no ejection and no slow start beside it.',
    '',
    '`consistentHash` promises that no instance has more of the running calls of a client than 1.25 times its part, rounded up to a whole call, and not that all have as many calls in the end. Where a client has',
    'fewer running calls than there are instances, as each of fifty with a thousand, that bound is one call, and the load is that of the keys. 100,000 of them thrown on a thousand instances',
    'by chance alone make 0.78 to 1.24 of the mean, the hundredth part at either end left out; with the 100 points of each on the ring it is 0.69 to 1.36, with 400 it would be 0.75 to 1.28, with 1,600 it would be 0.78 to 1.24.',
    '`roundRobin` and `weighted` begin their turn anew, anywhere, with each ejection and each return: of a thousand instances, which a client goes around in four seconds, neighbours have more or fewer calls in a span then.',
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
