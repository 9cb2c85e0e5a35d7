import { describe, expect, it } from 'vitest'
import { contract, contractInfo } from '../../contract/contract.ts'
import { ServiceError } from '../../error/service-error.ts'
import { ConfigError } from '../../error/setup-error.ts'
import { random } from '../balancer/random.ts'
import { resolvePolicy } from '../policy/remote-policy.ts'
import { peakEwma } from '../balancer/peak-ewma.ts'
import { weighted } from '../balancer/weighted.ts'
import { type Outcome, outcomeOf, outrun } from './outcome.ts'
import { PeakEwma } from './peak-ewma.ts'
import { anyTarget, idleTarget, sharesOf, steadyPool } from './pool.test-harness.ts'
import type { Target } from './target.ts'
import type { TargetPool } from './target-pool.ts'

const demo = contract('demo.Service', {})
const targetsOf = (count: number, zones: readonly string[] = []) =>
  Array.from({ length: count }, (_, place) => idleTarget(`t${place}`, { zone: zones[place % zones.length] }))

/** A call of one target from its begin to its end. */
function call(
  { pool }: Pick<ReturnType<typeof steadyPool>, 'pool'>,
  target: Target | undefined,
  outcome: Outcome,
): void {
  if (target === undefined) return expect.unreachable()
  pool.begin(target)
  pool.end(target, outcome, 1)
}

function fail(steady: Pick<ReturnType<typeof steadyPool>, 'pool'>, target: Target | undefined, count = 5): void {
  for (let number = 0; number < count; number += 1) call(steady, target, 'failed')
}

describe('an outage of all', () => {
  it('says nothing of any: with the first answer all are as before', () => {
    const steady = steadyPool()
    const { pool, clock, listener } = steady
    const targets = targetsOf(4)
    pool.use(targets)
    for (const target of targets) fail(steady, target)
    expect(listener.ejected).toHaveBeenCalledTimes(2)
    // One that returns before its end has shown nothing either.
    clock.advance(5_000)
    expect(sharesOf(pool, 4)).toEqual({ t0: 1, t1: 1, t2: 1, t3: 1 })
    fail(steady, targets[0], 1)
    call(steady, targets[2], 'answered')
    expect(listener.returned).toHaveBeenCalledTimes(3)
    expect(sharesOf(pool, 4)).toEqual({ t0: 1, t1: 1, t2: 1, t3: 1 })
    expect(targets.map((target) => target.warmth(clock.nowMs()))).toEqual([1, 1, 1, 1])
    expect(targets.map(({ successRatio, latency }) => [successRatio, latency.ms])).toEqual(
      Array.from({ length: 4 }, () => [1, undefined]),
    )
    // Later than what failed in the outage, which counts for nothing.
    clock.advance(2)
    fail(steady, targets[0], 4)
    expect(listener.ejected).toHaveBeenCalledTimes(3)
    fail(steady, targets[0], 1)
    expect(listener.ejected).toHaveBeenCalledTimes(4)
    clock.advance(5_000)
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
  })

  it('is told from one of half of them', () => {
    const steady = steadyPool()
    const targets = targetsOf(4)
    steady.pool.use(targets)
    for (const target of targets.slice(0, 2)) fail(steady, target)
    call(steady, targets[2], 'answered')
    expect(steady.listener.returned).not.toHaveBeenCalled()
    expect(sharesOf(steady.pool, 4)).toEqual({ t2: 2, t3: 2 })
    expect(targets[0]?.successRatio).toBeLessThan(0.5)
    // Who failed before an answer and who failed after it make no outage together.
    fail(steady, targets[3], 2)
    call(steady, targets[2], 'answered')
    expect(targets[3]?.successRatio).toBeLessThan(0.7)
  })

  it('is no reason to hold against anybody what was sent before its end', () => {
    const { pool, clock } = steadyPool()
    const targets = targetsOf(2)
    pool.use(targets)
    const [one] = targets
    if (one === undefined) return expect.unreachable()
    for (const target of [one, ...targets]) pool.begin(target)
    clock.advance(1_000)
    for (const target of targets) pool.end(target, 'failed', 1_000)
    call({ pool }, targets[1], 'answered')
    clock.advance(1_000)
    pool.end(one, 'failed', 2_000)
    expect([one.runningCount, one.successRatio, one.latency.ms]).toEqual([0, 1, undefined])
    pool.begin(one)
    clock.advance(999)
    pool.end(one, 'failed', 999)
    expect([one.successRatio, one.latency.ms]).toEqual([0.8, 999])
  })
})

describe('ejection', () => {
  it('takes out one that fails five calls in a row, and lets it in again, longer each time', () => {
    const steady = steadyPool()
    const { pool, clock, listener } = steady
    const targets = targetsOf(4)
    const [bad] = targets
    pool.use(targets)
    fail(steady, bad, 4)
    call(steady, bad, 'answered')
    fail(steady, bad, 4)
    expect(sharesOf(pool, 4)).toMatchObject({ t0: 1 })
    fail(steady, bad, 1)
    expect(listener.ejected).toHaveBeenCalledExactlyOnceWith(bad, 'consecutive_failures')
    expect(sharesOf(pool, 6)).toEqual({ t1: 2, t2: 2, t3: 2 })
    clock.advance(4_999)
    expect(sharesOf(pool, 3)).not.toHaveProperty('t0')
    clock.advance(1)
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
    expect(listener.returned).toHaveBeenCalledExactlyOnceWith(bad)
    fail(steady, bad, 1)
    clock.advance(9_999)
    expect(sharesOf(pool, 3)).not.toHaveProperty('t0')
    clock.advance(1)
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
    // Well for as long as it was out, it begins anew.
    call(steady, bad, 'answered')
    clock.advance(10_000)
    fail(steady, bad, 4)
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
    fail(steady, bad, 1)
    clock.advance(5_000)
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
  })

  it('never takes out more than its share, nor the last one', () => {
    const steady = steadyPool()
    const targets = targetsOf(5)
    steady.pool.use(targets)
    for (const target of targets) fail(steady, target)
    expect(steady.listener.ejected).toHaveBeenCalledTimes(2)
    const all = steadyPool({ ejection: { maxShareRatio: 1 } })
    all.pool.use(targetsOf(3))
    for (const target of all.pool.targets) fail(all, target)
    expect(all.listener.ejected).toHaveBeenCalledTimes(2)
    const alone = steadyPool()
    alone.pool.use(targetsOf(1))
    fail(alone, alone.pool.targets[0], 100)
    expect(alone.listener.ejected).not.toHaveBeenCalled()
  })

  it('takes out one that fails far more than the others, and none where all fail as much', () => {
    const steady = steadyPool()
    const targets = targetsOf(10)
    steady.pool.use(targets)
    const round = (isFailing: (target: Target, number: number) => boolean) => {
      for (const target of targets)
        for (let number = 0; number < 120; number += 1)
          call(steady, target, isFailing(target, number) ? 'failed' : 'answered')
      steady.clock.advance(10_000)
      call(steady, targets[9], 'answered')
    }
    round(() => false)
    round((_target, number) => number % 4 === 0)
    expect(steady.listener.ejected).not.toHaveBeenCalled()
    round((target, number) => target === targets[3] && number % 4 === 0)
    expect(steady.listener.ejected).toHaveBeenCalledExactlyOnceWith(targets[3], 'success_rate')
  })

  it.each([
    ['of too few instances', { targetCount: 4, callCount: 120 }],
    ['by too few calls, nor by those that were looked at before', { targetCount: 10, callCount: 90 }],
  ])('compares none %s', (_which, { targetCount, callCount }) => {
    const steady = steadyPool({ ejection: { deviationFactor: 0.5 } })
    const targets = targetsOf(targetCount)
    steady.pool.use(targets)
    for (let review = 0; review < 3; review += 1) {
      for (const target of targets)
        for (let number = 0; number < callCount; number += 1)
          call(steady, target, target === targets[0] && number % 4 === 0 ? 'failed' : 'answered')
      steady.clock.advance(10_000)
    }
    expect(steady.listener.ejected).not.toHaveBeenCalled()
  })

  it('lasts no longer than its limit, and up to a quarter longer than its time', () => {
    const steady = steadyPool({ ejection: { baseMs: 1_000, maxMs: 2_500 } })
    const { pool, clock } = steady
    clock.random = () => 0.8
    pool.use(targetsOf(4))
    const [bad] = pool.targets
    fail(steady, bad)
    for (const outMs of [1_200, 2_400, 2_500]) {
      clock.advance(outMs - 1)
      expect(sharesOf(pool, 3)).not.toHaveProperty('t0')
      clock.advance(1)
      expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
      fail(steady, bad, 1)
    }
  })

  it('is over in its time for one that was not there meanwhile, and none begins for one that is gone', () => {
    const steady = steadyPool()
    const { pool, clock, listener } = steady
    const targets = targetsOf(4)
    pool.use(targets)
    fail(steady, targets[0])
    pool.use(targets.slice(1))
    clock.advance(5_000)
    expect(sharesOf(pool, 3)).toEqual({ t1: 1, t2: 1, t3: 1 })
    pool.use([...targets])
    expect(sharesOf(pool, 4)).toHaveProperty('t0', 1)
    expect(listener.returned).toHaveBeenCalledExactlyOnceWith(targets[0])
    pool.use(targets.slice(0, 3))
    fail(steady, targets[3])
    expect(listener.ejected).toHaveBeenCalledTimes(1)
  })

  it('does not count what is no fault of the instance', () => {
    const steady = steadyPool()
    const targets = targetsOf(2)
    steady.pool.use(targets)
    for (const outcome of ['left', 'overloaded', 'outrun', 'answered'] as const)
      for (let number = 0; number < 20; number += 1) call(steady, targets[0], outcome)
    expect(steady.listener.ejected).not.toHaveBeenCalled()
    expect(targets[0]?.runningCount).toBe(0)
    expect(steady.pool.runningCount).toBe(0)
  })

  it('is not needed for one that others outrun: it is given few calls', () => {
    const steady = steadyPool({ balancer: peakEwma() })
    const targets = targetsOf(3)
    steady.pool.use(targets)
    for (let number = 0; number < 30; number += 1)
      for (const target of targets) {
        steady.pool.begin(target)
        steady.pool.end(target, target === targets[0] ? 'outrun' : 'answered', 40)
      }
    expect(sharesOf(steady.pool, 1_000)['t0'] ?? 0).toBeLessThan(10)
    expect(steady.listener.ejected).not.toHaveBeenCalled()
  })

  it('can be left out', () => {
    const steady = steadyPool({ ejection: false })
    steady.pool.use(targetsOf(2))
    fail(steady, steady.pool.targets[0], 100)
    expect(sharesOf(steady.pool, 2)).toEqual({ t0: 1, t1: 1 })
  })

  it.each([
    [new ServiceError('not_found', ''), 'answered'],
    [new ServiceError('unavailable', ''), 'failed'],
    [new ServiceError('deadline_exceeded', ''), 'failed'],
    [new ServiceError('resource_exhausted', ''), 'overloaded'],
    [new ServiceError('cancelled', ''), 'left'],
    [new ServiceError('cancelled', '', { cause: new ServiceError('deadline_exceeded', '') }), 'failed'],
    [new ServiceError('cancelled', '', { cause: new ServiceError('unavailable', '') }), 'left'],
    [new ServiceError('cancelled', '', { cause: outrun }), 'outrun'],
    [new Error('odd'), 'failed'],
  ] as const)('%o tells that the instance has %s', (error, outcome) => {
    expect(outcomeOf(error)).toBe(outcome)
  })
})

describe('zones', () => {
  it('keeps calls in the own zone where each zone has its share of instances', () => {
    const { pool } = steadyPool({ balancer: random() }, { zone: 'b' })
    pool.use(targetsOf(6, ['a', 'b', 'c']))
    expect(Object.keys(sharesOf(pool, 600)).toSorted()).toEqual(['t1', 't4'])
  })

  it('spills over what the own zone has no room for, and all when it is gone', () => {
    const steady = steadyPool({ balancer: random() }, { zone: 'a' })
    const { pool } = steady
    const targets = targetsOf(8, ['a', 'b'])
    pool.use(targets)
    fail(steady, targets[0])
    fail(steady, targets[2])
    // 2 of 6 are left at home, and have room for 2 thirds of the zone's calls.
    const shares = sharesOf(pool, 6_000)
    const home = (shares['t4'] ?? 0) + (shares['t6'] ?? 0)
    expect(home).toBeGreaterThan(3_700)
    expect(home).toBeLessThan(4_300)
    expect(shares).not.toHaveProperty('t0')
    const away = targets.filter(({ zone }) => zone === 'b')
    pool.use(away)
    expect(Object.values(sharesOf(pool, 400)).reduce((sum, one) => sum + one, 0)).toBe(400)
  })

  it('counts the zones that there are, also those of which nobody is called, and weights in the place of instances', () => {
    const steady = steadyPool({ balancer: random() }, { zone: 'a' })
    const targets = targetsOf(6, ['a', 'b', 'c'])
    steady.pool.use(targets)
    for (const place of [0, 2, 5]) fail(steady, targets[place])
    // A third of those that are left, for the callers of one zone of three.
    expect(sharesOf(steady.pool, 100)).toEqual({ t3: 100 })
    const uneven = steadyPool({ balancer: random() }, { zone: 'a' }).pool
    uneven.use([idleTarget('light', { zone: 'a' }), idleTarget('heavy', { zone: 'b', weight: 3 })])
    const { light = Number.NaN } = sharesOf(uneven, 2_000)
    expect(light).toBeGreaterThan(900)
    expect(light).toBeLessThan(1_100)
  })

  it('goes elsewhere with a call that is closed to the whole zone', () => {
    const { pool } = steadyPool({}, { zone: 'a' })
    const targets = targetsOf(4, ['a', 'b'])
    pool.use(targets)
    const isOpen = ({ zone }: Target) => zone === 'b'
    expect(pool.pick({ isOpen }, 0)?.zone).toBe('b')
  })

  it('takes the zone of the policy before that of the service, and none where that is false', () => {
    const zoned = steadyPool({ zone: 'a' }, { zone: 'b' })
    zoned.pool.use(targetsOf(4, ['a', 'b']))
    expect(Object.keys(sharesOf(zoned.pool, 100)).toSorted()).toEqual(['t0', 't2'])
    const free = steadyPool({ zone: false }, { zone: 'b' })
    free.pool.use(targetsOf(4, ['a', 'b']))
    expect(Object.keys(sharesOf(free.pool, 100))).toHaveLength(4)
  })
})

describe('subset', () => {
  const subset = { instanceCount: 20 }
  const chosen = (client: string, targets: readonly Target[]) => {
    const { pool } = steadyPool({ subset }, { client })
    pool.use(targets)
    return pool.targets.map(({ address }) => address)
  }

  it('is the same for the same client, another for another, and all of a short list', () => {
    const targets = targetsOf(200)
    expect(chosen('a', targets)).toHaveLength(20)
    expect(chosen('a', targets)).toEqual(chosen('a', targets.toReversed()).toReversed())
    expect(chosen('b', targets)).not.toEqual(chosen('a', targets))
    expect(chosen('a', targets.slice(0, 20))).toHaveLength(20)
  })

  it('changes by one when one goes, and by none when another does', () => {
    const targets = targetsOf(200)
    const before = chosen('a', targets)
    const without = (address: string | undefined) =>
      chosen(
        'a',
        targets.filter((target) => target.address !== address),
      )
    expect(without(before[3]).filter((address) => !before.includes(address))).toHaveLength(1)
    expect(without(targets.find(({ address }) => !before.includes(address))?.address)).toEqual(before)
  })

  it('gives each instance much the same number of clients', () => {
    const targets = targetsOf(100)
    const counts = new Map<string, number>()
    for (let client = 0; client < 500; client += 1)
      for (const address of chosen(`client ${client}`, targets)) counts.set(address, (counts.get(address) ?? 0) + 1)
    expect(counts.size).toBe(100)
    expect(Math.min(...counts.values())).toBeGreaterThan(70)
    expect(Math.max(...counts.values())).toBeLessThan(130)
  })
})

it('spares nobody where all are new', () => {
  const { pool, clock } = steadyPool()
  pool.use(targetsOf(3))
  expect(pool.targets.map((target) => target.warmth(clock.nowMs()))).toEqual([1, 1, 1])
  const added = idleTarget('new')
  pool.use([...pool.targets, added])
  expect(added.warmth(clock.nowMs())).toBe(0.1)
  expect(added.warmth(clock.nowMs() + 5_000)).toBe(0.5)
  expect(added.warmth(clock.nowMs() + 10_000)).toBe(1)
})

it('picks among all again when the list changes', () => {
  const { pool } = steadyPool()
  const targets = targetsOf(3)
  pool.use(targets)
  expect(pool.pickAny(anyTarget, 0)).toBe(targets[0])
  pool.use(targets.slice(2))
  expect(pool.pickAny(anyTarget, 0)).toBe(targets[2])
  pool.use([])
  expect(pool.pickAny(anyTarget, 0)).toBeUndefined()
  expect(pool.pick(anyTarget, 0)).toBeUndefined()
})

it('a latency above the mean counts at once, one below by and by, and one that was not waited for only above', () => {
  const ewma = new PeakEwma()
  expect(ewma.ms).toBeUndefined()
  ewma.observe(10, 0)
  ewma.observe(100, 0)
  expect(ewma.ms).toBe(100)
  ewma.observeAtLeast(50, 0)
  expect(ewma.ms).toBe(100)
  const failed = new PeakEwma()
  failed.observeFailure(1, 0)
  failed.observeFailure(1, 60_000)
  expect(failed.at(60_000)).toBe(100)
  ewma.observe(10, 10_000)
  expect(ewma.ms).toBeCloseTo(10 + 90 / Math.E)
  ewma.observeAtLeast(200, 10_000)
  expect(ewma.ms).toBe(200)
})

it.each([
  [{ balancer: 'random' }, 'remote(demo.Service): policy.balancer must be one such as peakEwma(), found "random"'],
  [{ zone: '' }, 'remote(demo.Service): policy.zone must be the name of a zone or false, found ""'],
  [{ subset: 5 }, 'remote(demo.Service): policy.subset must be { instanceCount }, found 5'],
  [{ subset: {} }, 'remote(demo.Service): policy.subset.instanceCount must be a whole number from 1 to 10000, found 0'],
  [{ warmUpMs: -1 }, 'remote(demo.Service): policy.warmUpMs must be a whole number from 0 to 600000, found -1'],
  [{ ejection: true }, 'remote(demo.Service): policy.ejection must be options or false, found true'],
  [{ ejection: { baseMs: 1 } }, 'remote(demo.Service): policy.ejection.baseMs must be a whole number from 100'],
  [{ ejection: { baseMs: 9_000, maxMs: 8_000 } }, 'policy.ejection.maxMs must be a whole number from 9000'],
  [
    { ejection: { maxShareRatio: 2 } },
    'remote(demo.Service): policy.ejection.maxShareRatio must be from 0 to 1, found 2',
  ],
  [{ ejection: { base: 1 } }, 'remote(demo.Service): policy.ejection: "base" is no option, perhaps baseMs is meant'],
  [{ warmUp: 1 }, 'remote(demo.Service): policy: "warmUp" is no option, perhaps warmUpMs is meant'],
])('refuses the policy %j', (policy, said) => {
  const resolve = () => resolvePolicy(contractInfo(demo), policy as never)
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(said)
})

/** Instances that answer in their time or fail in it, called at a steady rate; which part of the calls of the last half went to those that fail. */
function failedShare(
  pool: TargetPool,
  turn: (ms: number) => void,
  { outcomes, seconds }: { readonly outcomes: readonly (readonly [Outcome, number])[]; readonly seconds: number },
): number {
  const targets = targetsOf(outcomes.length)
  pool.use(targets)
  const ends: { readonly atMs: number; readonly end: () => void }[] = []
  let [failedCount, lateCount] = [0, 0]
  const [callCount, stepMs] = [seconds * 100, 10]
  for (let call = 0; call < callCount; call += 1) {
    turn(stepMs)
    const nowMs = pool.clock.nowMs()
    for (const due of ends.filter(({ atMs }) => atMs <= nowMs)) {
      due.end()
      ends.splice(ends.indexOf(due), 1)
    }
    const target = pool.pick(anyTarget, nowMs) as Target
    const [outcome, latencyMs] = outcomes[targets.indexOf(target)] ?? ['answered', 0]
    pool.begin(target)
    ends.push({ atMs: nowMs + latencyMs, end: () => pool.end(target, outcome, latencyMs) })
    if (call < callCount / 2) continue
    lateCount += 1
    if (outcome !== 'answered') failedCount += 1
  }
  return failedCount / lateCount
}

const many = <Kind>(count: number, kind: Kind): readonly Kind[] => Array.from({ length: count }, () => kind)

it.each<[string, readonly (readonly [Outcome, number])[]]>([
  ['that refuses at once', [['overloaded', 1], ...many(1, ['answered', 20] as const)]],
  ['of five that refuses at once', [['overloaded', 1], ...many(4, ['answered', 20] as const)]],
  ['of five that fail at once', [...many(3, ['failed', 1] as const), ...many(2, ['answered', 20] as const)]],
])('gives hardly any call to one %s, although it is faster than others', (_which, outcomes) => {
  const { pool, clock } = steadyPool({ balancer: peakEwma() })
  expect(failedShare(pool, (ms) => clock.advance(ms), { outcomes, seconds: 120 })).toBeLessThan(0.03)
})

it('goes on sparing most instances when they hang, while the others answer', () => {
  const { pool, clock, listener } = steadyPool({ balancer: peakEwma() })
  const outcomes = [...many(4, ['failed', 1_000] as const), ...many(1, ['answered', 20] as const)]
  expect(failedShare(pool, (ms) => clock.advance(ms), { outcomes, seconds: 120 })).toBeLessThan(0.2)
  expect(listener.ejected.mock.calls.length).toBeLessThan(60)
})

it('tries one again that was slow once, although streams are open there', () => {
  const { pool, clock } = steadyPool({ balancer: peakEwma() })
  const targets = targetsOf(2)
  pool.use(targets)
  for (const target of targets) {
    pool.begin(target)
    target.streamCount += 1
    target.answered('answered', target === targets[0] ? 2_000 : 5, 0)
  }
  clock.advance(60_000)
  targets[1]?.answered('answered', 5, clock.nowMs())
  expect(sharesOf(pool, 100)['t0']).toBeGreaterThan(20)
})

it('goes around at once as often as nobody has a call to its credit, where who has most weight cannot be called', () => {
  const { pool } = steadyPool({ balancer: weighted() })
  const [heavy, ...light] = [1_000, 1e-9, 3e-9].map((weight, place) => idleTarget(`10.0.0.${place}:1`, { weight }))
  pool.use([heavy as Target, ...light])
  const choice = { isOpen: (target: Target) => target !== heavy }
  const picked = Array.from({ length: 400 }, () => pool.pick(choice, 0)?.address)
  expect(picked.filter((address) => address === '10.0.0.2:1')).toHaveLength(300)
})
