import { random, type RemotePolicy, roundRobin } from '@tenon/core'
import { outages, scenarios } from './scenario.ts'
import { alone, large, loadColumns, small, Table, timeColumns, toSeconds } from './table.ts'

/** What is compared: sets of policies around the default balancer, and clients that have none. */
const policies: Readonly<Record<string, RemotePolicy>> = {
  'random alone': { balancer: random(), ...alone },
  'roundRobin alone': { balancer: roundRobin(), ...alone },
  'roundRobin, 3 attempts': {
    balancer: roundRobin(),
    ...alone,
    retry: { maxAttemptCount: 3 },
    budget: { ratio: 1, minPerSecond: 1_000 },
  },
  none: {},
  retry: { retry: {} },
  'retry, breaker': { retry: {}, breaker: true },
  'retry, hedge': { retry: {}, hedge: {} },
  all: { retry: { attemptTimeoutMs: 1_000 }, hedge: {}, breaker: true },
}

export const allScenarios = [...scenarios, ...outages]

/** The sets that are to meet the targets. */
export const sound = ['retry, breaker', 'all']

/** What costs more where there are more is left out of the large ones. */
export const comparisons = [
  { size: small, scenarios: allScenarios, names: Object.keys(policies) },
  {
    size: large,
    scenarios: allScenarios,
    names: Object.keys(policies).filter((name) => name !== 'retry, hedge' && name !== 'roundRobin, 3 attempts'),
  },
]

/** `policy.md` */
export const policy = new Table({
  preface: [
    '# Policies in simulations',
    '',
    '`npm run simulate -- policies` prints this. Clients, the service and what happens are those of `balance.md`; beside it, all instances fail, say nothing or are not there for ten',
    'seconds, and a herd of three times the calls comes for two seconds from clients that have just started, to instances which are half as fast. What is `alone` has turns or chance and nothing else; `3 attempts` has no budget for',
    'them. The others have the default balancer with ejection and slow start: `none`, `retry: {}`, `breaker: true` and `hedge: {}`; `all` has them and `attemptTimeoutMs: 1000`.',
    '`p50`, `p99` and `failed` are of the time from the event on. `attempts` are those of a call in the mean, connections that were refused among them, while what happens goes on; the budget is a tenth of the calls of the last ten',
    'seconds, whose number is a matter of chance. `load` is as in `balance.md`.',
    'Where attempts are cut, a cold herd may leave an instance with 0.74 of the mean twenty seconds later, with other seeds than that of the table: what failed there weighs on it until enough has succeeded.',
    '`recovery` is the time from the end of what happens until no two seconds have a `p99` above twice what it was before, or any failed call;',
    'where it does not end, from its beginning, and one failed call in a hundred. Where calls hang, a breaker knows of the last of them when their two seconds are over, and closes after that.',
    'Where all are gone, a client asks each address about once a second whether it is there, however many calls it has: of a thousand addresses and fifty clients that is 3.75 connections for a call, and more at first, when',
    'calls look for one at the same time. Such an attempt costs the service nothing, and what policies add to it is told by the difference from `none`.',
    'With a thousand instances the sets `retry, hedge` and `roundRobin, 3 attempts` are left out: a row takes up to a minute of computing.',
  ],
  subject: 'policy',
  policies,
  comparisons,
  columns: {
    ...timeColumns,
    attempts: ({ meanwhile }) => meanwhile.attemptsPerCall.toFixed(2),
    ...loadColumns,
    'recovery s': ({ healedMs }) => toSeconds(healedMs),
  },
})
