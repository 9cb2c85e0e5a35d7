import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../error/setup-error.ts'
import { anyTarget, idleTarget, sharesOf, steadyPool } from '../target/pool.test-harness.ts'
import type { Target, TargetFacts } from '../target/target.ts'
import type { Balancer } from './balancer.ts'
import { consistentHash } from './consistent-hash.ts'
import { leastRequests } from './least-requests.ts'
import { peakEwma } from './peak-ewma.ts'
import { random } from './random.ts'
import { roundRobin } from './round-robin.ts'
import { weighted } from './weighted.ts'

const balancers: Readonly<Record<string, Balancer>> = {
  roundRobin: roundRobin(),
  weighted: weighted(),
  random: random(),
  leastRequests: leastRequests(),
  peakEwma: peakEwma(),
  consistentHash: consistentHash({ key: { field: 'id' } }),
}

function poolOver(balancer: Balancer, facts: readonly TargetFacts[]) {
  const steady = steadyPool({ balancer })
  const targets = facts.map((one, place) => idleTarget(`t${place}`, one))
  steady.pool.use(targets)
  return { ...steady, targets }
}

const alike = (count: number) => Array.from({ length: count }, () => ({}))

/** Lets a target have answered a call. */
function answer(target: Target, latencyMs: number, nowMs: number): void {
  target.answered('answered', latencyMs, nowMs)
}

describe.each(Object.entries(balancers))('%s', (_name, balancer) => {
  const key = (call: number) => `key ${call}`

  it('gives each of those that are alike much the same', () => {
    const { pool } = poolOver(balancer, alike(10))
    const shares = Object.values(sharesOf(pool, 10_000, key))
    expect(shares).toHaveLength(10)
    expect(Math.max(...shares)).toBeLessThan(1_400)
    expect(Math.min(...shares)).toBeGreaterThan(650)
  })

  it('gives nothing to what is closed to the call, and says when all is', () => {
    const { pool, targets } = poolOver(balancer, alike(20))
    const open = targets[7]
    const pick = (isOpen: (target: Target) => boolean) => pool.pick({ isOpen, key: 'key' }, 0)
    for (let call = 0; call < 50; call += 1) expect(pick((target) => target === open)).toBe(open)
    expect(pick(() => false)).toBeUndefined()
  })
})

it.each(['weighted', 'leastRequests', 'peakEwma', 'consistentHash'])('%s heeds weights', (name) => {
  const { pool, targets } = poolOver(balancers[name] ?? random(), [{ weight: 4 }, {}, {}, {}, {}])
  if (name === 'leastRequests') {
    for (let call = 0; call < 800; call += 1) {
      const target = pool.pick(anyTarget, 0)
      if (target) pool.begin(target)
    }
    expect(targets.map(({ runningCount }) => runningCount)).toEqual([400, 100, 100, 100, 100])
    return
  }
  const { t0 = 0 } = sharesOf(pool, 8_000, (call) => `key ${call}`)
  expect(t0).toBeGreaterThan(3_400)
  expect(t0).toBeLessThan(4_600)
})

it.each(['weighted', 'leastRequests', 'peakEwma'])(
  '%s gives little to one that warms up, and more by and by',
  (name) => {
    const { pool, targets, clock } = poolOver(balancers[name] ?? random(), alike(4))
    const added = idleTarget('new')
    pool.use([...targets, added])
    const share = () => {
      const shares: Record<string, number> = {}
      for (let call = 0; call < 4_000; call += 1) {
        const target = pool.pick(anyTarget, clock.nowMs())
        if (target === undefined) continue
        shares[target.address] = (shares[target.address] ?? 0) + 1
        if (name === 'leastRequests') pool.begin(target)
      }
      return shares['new'] ?? 0
    }
    const first = share()
    clock.advance(5_000)
    for (const target of [...targets, added]) target.runningCount = 0
    const half = share()
    clock.advance(5_000)
    for (const target of [...targets, added]) target.runningCount = 0
    const whole = share()
    expect(first).toBeLessThan(300)
    expect(half).toBeGreaterThan(first * 1.5)
    expect(half).toBeLessThan(700)
    expect(whole).toBeGreaterThan(700)
  },
)

describe('peakEwma', () => {
  it('gives a slow one nothing, and tries it again when what it knows of it is old', () => {
    const { pool, targets, clock } = poolOver(peakEwma(), alike(10))
    const [slow, ...others] = targets
    if (slow === undefined) return expect.unreachable()
    answer(slow, 500, 0)
    const share = () => {
      for (const target of others) answer(target, 10, clock.nowMs())
      return sharesOf(pool, 1_000)['t0'] ?? 0
    }
    expect(share()).toBe(0)
    clock.advance(30_000)
    expect(share()).toBe(0)
    clock.advance(15_000)
    expect(share()).toBeGreaterThan(0)
    slow.runningCount = 1
    // Until it has answered, that is the last that is known.
    expect(share()).toBe(0)
    slow.runningCount = 0
    answer(slow, 500, clock.nowMs())
    expect(share()).toBe(0)
  })

  it('gives one that fails its calls hardly anything, however fast it fails', () => {
    const { pool, targets } = poolOver(peakEwma(), alike(10))
    for (const target of targets) answer(target, 10, 0)
    const [bad] = targets
    for (let call = 0; call < 20; call += 1) {
      bad?.begin()
      bad?.end('failed', 0)
      bad?.answered('failed', 0.1, 0)
    }
    expect(bad?.latency.ms).toBe(10)
    expect(sharesOf(pool, 1_000)).not.toHaveProperty('t0')
  })

  it('takes latencies that differ little for the same, and goes by running calls then', () => {
    const { pool, targets } = poolOver(peakEwma(), alike(2))
    const [one, other] = targets
    if (one === undefined || other === undefined) return expect.unreachable()
    answer(one, 10, 0)
    answer(other, 19, 0)
    one.runningCount = 1
    expect(pool.pick(anyTarget, 0)).toBe(other)
    answer(other, 21, 0)
    one.runningCount = 0
    expect(pool.pick(anyTarget, 0)).toBe(one)
  })

  it('gives one that never answered a single call until it has', () => {
    const { pool, targets } = poolOver(peakEwma(), alike(2))
    const [known, fresh] = targets
    if (known === undefined || fresh === undefined) return expect.unreachable()
    answer(known, 10, 0)
    expect(pool.pick(anyTarget, 0)).toBe(fresh)
    pool.begin(fresh)
    expect(pool.pick(anyTarget, 0)).toBe(known)
  })
})

describe('consistentHash', () => {
  const ofKeys = (pool: ReturnType<typeof poolOver>['pool']) =>
    Array.from({ length: 1_000 }, (_, call) => pool.pick({ ...anyTarget, key: `user ${call}` }, 0)?.address)

  it('moves only the keys of an instance that goes', () => {
    const { pool, targets } = poolOver(consistentHash({ key: { field: 'id' } }), alike(10))
    const before = ofKeys(pool)
    pool.use(targets.slice(1))
    const after = ofKeys(pool)
    const moved = before.filter((address, place) => address !== after[place])
    expect(moved.length).toBeGreaterThan(50)
    expect(new Set(moved)).toEqual(new Set(['t0']))
  })

  it('gives an instance no more than its bound, and the rest to the next', () => {
    const { pool, targets } = poolOver(consistentHash({ key: { field: 'id' }, loadFactor: 1.5 }), alike(10))
    for (let call = 0; call < 100; call += 1) {
      const target = pool.pick({ ...anyTarget, key: 'one' }, 0)
      if (target) pool.begin(target)
    }
    const most = Math.max(...targets.map(({ runningCount }) => runningCount))
    expect(most).toBeLessThanOrEqual(16)
  })

  it('reads the key of the input or the metadata', () => {
    const call = { metadata: { tenant: 'a' }, timeoutMs: undefined, signal: undefined }
    const byField = consistentHash({ key: { field: 'id' } })
    expect(byField.keyOf?.({ id: 7n }, call)).toBe('7')
    expect(byField.keyOf?.({ id: {} }, call)).toBeUndefined()
    expect(byField.keyOf?.(undefined, call)).toBeUndefined()
    expect(consistentHash({ key: { metadata: 'Tenant' } }).keyOf?.({}, call)).toBe('a')
  })

  it.each([
    [{ key: {} }, 'consistentHash: key must be { field } or { metadata }'],
    [{ key: { field: 'id' }, loadFactor: 1 }, 'consistentHash: loadFactor must be from 1.05 to 10, found 1'],
    [{ key: { field: 'id' }, loadfactor: 2 }, 'consistentHash: "loadfactor" is no option'],
  ])('refuses %j', (options, said) => {
    const make = () => consistentHash(options as never)
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(said)
  })
})
