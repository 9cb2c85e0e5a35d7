import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { consistentHash } from '../balancer/consistent-hash.ts'
import { leastRequests } from '../balancer/least-requests.ts'
import { peakEwma } from '../balancer/peak-ewma.ts'
import { random } from '../balancer/random.ts'
import { roundRobin } from '../balancer/round-robin.ts'
import { weighted } from '../balancer/weighted.ts'
import { silent } from '../../telemetry/log.ts'
import { instanceDecisionChannelName } from './instance-decision.ts'
import type { Outcome } from './outcome.ts'
import { anyTarget, idleTarget, steadyPool } from './pool.test-harness.ts'
import { PoolTelemetry } from './pool-telemetry.ts'
import type { Target } from './target.ts'

/** In turn, with chance as it comes, and nobody ejected. */
const policy = { breaker: true, ejection: false, balancer: roundRobin() } as const

const targetsOf = (count: number) => Array.from({ length: count }, (_, place) => idleTarget(`t${place}`))

type Pool = Pick<ReturnType<typeof steadyPool>, 'pool' | 'clock'>

/** Calls that are over at once, a hundred a second, and how many of them each address got. */
function call({ pool, clock }: Pool, count: number, outcomeAt: (target: Target) => Outcome): Record<string, number> {
  const shares: Record<string, number> = {}
  for (let number = 0; number < count; number += 1) {
    clock.advance(10)
    const target = pool.pick({ ...anyTarget, key: String(number) }, clock.nowMs())
    if (target === undefined) return expect.unreachable()
    shares[target.address] = (shares[target.address] ?? 0) + 1
    pool.begin(target)
    pool.end(target, outcomeAt(target), 1)
  }
  return shares
}

const failingAt =
  (...addresses: readonly string[]) =>
  ({ address }: Target): Outcome =>
    addresses.includes(address) ? 'failed' : 'answered'
const answered = failingAt()

describe('the breaker of an instance', () => {
  it('gives others the calls that it refuses, a fifth at the least stays', () => {
    const steady = steadyPool(policy)
    steady.pool.use(targetsOf(4))
    call(steady, 300, failingAt('t0'))
    // Of 250 that are its own.
    const { t0 = 0, ...others } = call(steady, 1_000, failingAt('t0'))
    expect(t0).toBeGreaterThan(40)
    expect(t0).toBeLessThan(75)
    for (const share of Object.values(others)) expect(share).toBeGreaterThan(270)
    expect(steady.listener.breakerChanged).toHaveBeenCalledExactlyOnceWith(steady.pool.targets[0], 'open')
  })

  it.each(['overloaded', 'failed'] as const)('counts what is %s, and not what nobody waited for', (outcome) => {
    const steady = steadyPool(policy)
    steady.pool.use(targetsOf(2))
    call(steady, 200, ({ address }) => (address === 't0' ? 'left' : 'answered'))
    expect(call(steady, 100, answered)).toEqual({ t0: 50, t1: 50 })
    call(steady, 400, ({ address }) => (address === 't0' ? outcome : 'answered'))
    expect(call(steady, 100, ({ address }) => (address === 't0' ? outcome : 'answered'))['t0']).toBeLessThan(25)
  })

  it('refuses none while half of its calls are taken, nor of few', () => {
    const half = steadyPool(policy)
    half.pool.use(targetsOf(2))
    let number = 0
    const everyThird = ({ address }: Target): Outcome =>
      address === 't0' && number++ % 3 === 0 ? 'failed' : 'answered'
    expect(call(half, 400, everyThird)).toEqual({ t0: 200, t1: 200 })
    const few = steadyPool(policy)
    few.pool.use(targetsOf(20))
    expect(call(few, 1_000, failingAt('t0'))['t0']).toBe(50)
  })

  it('gives it its part again within five seconds after it is well, and is closed then', () => {
    const steady = steadyPool(policy)
    steady.pool.use(targetsOf(4))
    call(steady, 1_000, failingAt('t0'))
    call(steady, 500, answered)
    expect(call(steady, 400, answered)).toEqual({ t0: 100, t1: 100, t2: 100, t3: 100 })
    expect(steady.listener.breakerChanged.mock.calls.map(([{ address }, state]) => [address, state])).toEqual([
      ['t0', 'open'],
      ['t0', 'closed'],
    ])
  })

  it('refuses nobody the call where all refuse, so that the remote alone decides', () => {
    const steady = steadyPool(policy)
    steady.pool.use(targetsOf(3))
    call(steady, 300, () => 'failed')
    const shares = call(steady, 300, () => 'failed')
    expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBe(300)
    for (const share of Object.values(shares)) expect(share).toBeGreaterThan(70)
    steady.clock.random = () => 0
    const { passedOver } = steady.listener
    passedOver.mockClear()
    expect(steady.pool.pick(anyTarget, steady.clock.nowMs())).toBeDefined()
    expect(passedOver).not.toHaveBeenCalled()
  })

  it('does not give a call to one that is closed to it', () => {
    const steady = steadyPool(policy)
    const targets = targetsOf(3)
    steady.pool.use(targets)
    call(steady, 300, failingAt('t0'))
    steady.clock.random = () => 0
    const isOpen = ({ address }: Target) => address !== 't1'
    const picked = Array.from({ length: 9 }, () => steady.pool.pick({ isOpen }, steady.clock.nowMs())?.address)
    expect(new Set(picked)).toEqual(new Set(['t2']))
  })

  it('gives calls that the own zone refuses to another', () => {
    const steady = steadyPool(policy, { zone: 'a' })
    steady.pool.use(['a', 'a', 'b', 'b'].map((zone, place) => idleTarget(`t${place}`, { zone })))
    call(steady, 200, failingAt('t0', 't1'))
    const { t0 = 0, t1 = 0, t2 = 0, t3 = 0 } = call(steady, 1_000, failingAt('t0', 't1'))
    // Either takes a fifth of those that come to it.
    expect(t0 + t1).toBeLessThan(420)
    expect(t2 + t3).toBeGreaterThan(580)
  })

  it.each([
    peakEwma(),
    leastRequests(),
    random(),
    roundRobin(),
    weighted(),
    consistentHash({ key: { metadata: 'key' } }),
  ])('works with $name: one that is well takes what nine of ten refuse', (balancer) => {
    const steady = steadyPool({ ...policy, balancer })
    steady.pool.use(targetsOf(10))
    const nine = failingAt(...Array.from({ length: 9 }, (_, place) => `t${place}`))
    call(steady, 1_000, nine)
    steady.clock.random = () => 0
    expect(steady.pool.pick({ ...anyTarget, key: 'a' }, steady.clock.nowMs())?.address).toBe('t9')
  })

  it('gives calls of one key to one other instance', () => {
    const steady = steadyPool({ ...policy, balancer: consistentHash({ key: { metadata: 'key' } }) })
    steady.pool.use(targetsOf(10))
    const othersOf = () =>
      Array.from({ length: 400 }, (_, key) => {
        const target = steady.pool.pick({ ...anyTarget, key: String(key) }, steady.clock.nowMs())
        return target?.address
      })
    const before = othersOf()
    call(steady, 2_000, failingAt('t3'))
    steady.clock.random = () => 0
    const after = othersOf()
    const moved = after.filter((address, key) => address !== before[key])
    expect(moved).toHaveLength(before.filter((address) => address === 't3').length)
    expect(new Set(moved).size).toBeGreaterThan(1)
    expect(othersOf()).toEqual(after)
  })

  it('is there where the policy says so', () => {
    const targetOf = (breaker: boolean | { readonly perInstance?: boolean }) => {
      const { pool } = steadyPool({ ...policy, breaker })
      pool.use(targetsOf(2))
      return pool.targets[0]?.breaker
    }
    for (const breaker of [true, {}, { perInstance: true }]) expect(targetOf(breaker)).toBeDefined()
    for (const breaker of [false, { perInstance: false }]) expect(targetOf(breaker)).toBeUndefined()
  })

  it('is empty again when its instance comes back from an ejection', () => {
    const steady = steadyPool({ ...policy, ejection: { consecutiveFailureCount: 30, baseMs: 5_000 }, warmUpMs: 0 })
    const targets = targetsOf(2)
    steady.pool.use(targets)
    call(steady, 300, failingAt('t0'))
    expect(targets[0]?.ejectedUntilMs).toBeDefined()
    expect(steady.listener.breakerChanged).toHaveBeenCalledWith(targets[0], 'open')
    while (targets[0]?.ejectedUntilMs !== undefined) call(steady, 10, answered)
    expect(call(steady, 100, answered)['t0']).toBe(50)
  })

  it('counts as closed when its instance is gone', () => {
    const steady = steadyPool(policy)
    const targets = targetsOf(4)
    steady.pool.use(targets)
    call(steady, 300, failingAt('t0', 't1'))
    const { breakerChanged } = steady.listener
    breakerChanged.mockClear()
    steady.pool.use(targets.slice(1))
    expect(breakerChanged).toHaveBeenCalledExactlyOnceWith(targets[0], 'closed')
    steady.pool.use(targets.slice(3))
    expect(breakerChanged).toHaveBeenLastCalledWith(targets[1], 'closed')
    expect(breakerChanged).toHaveBeenCalledTimes(2)
  })
})

it('publishes to whom calls are given, whom they are kept from, and why', () => {
  const heard: unknown[] = []
  const hear = (message: unknown) => void heard.push(message)
  subscribe(instanceDecisionChannelName, hear)
  onTestFinished(() => void unsubscribe(instanceDecisionChannelName, hear))
  const log = { ...silent, warn: vi.fn(), info: vi.fn() }
  const telemetry = new PoolTelemetry('demo.Service', log)
  const target = idleTarget('a:1')
  telemetry.picked(target)
  telemetry.passedOver(target)
  telemetry.breakerChanged(target, 'open')
  telemetry.breakerChanged(target, 'closed')
  expect(log.info).not.toHaveBeenCalled()
  telemetry.ejected(target, 'success_rate')
  telemetry.returned(target)
  const at = { contract: 'demo.Service', address: 'a:1' }
  expect(heard).toEqual([
    { ...at, decision: 'picked' },
    { ...at, decision: 'passed_over' },
    { ...at, decision: 'breaker_opened' },
    { ...at, decision: 'breaker_closed' },
    { ...at, decision: 'ejected', reason: 'success_rate' },
    { ...at, decision: 'returned' },
  ])
  expect(log.warn).toHaveBeenCalledExactlyOnceWith({ ...at, reason: 'success_rate' }, expect.any(String))
  expect(log.info).toHaveBeenCalledExactlyOnceWith(at, expect.any(String))
})
