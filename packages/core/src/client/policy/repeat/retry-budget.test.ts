import { describe, expect, it } from 'vitest'
import { failing, policed } from '../policed-channel.test-harness.ts'
import { budgetDefaults, RetryBudget } from './retry-budget.ts'
import { RecentCount } from '../recent-count.ts'
import { VirtualClock } from '../virtual-clock.test-harness.ts'

function budgetOf(settings = budgetDefaults) {
  const clock = new VirtualClock()
  const budget = new RetryBudget(settings, clock)
  const spent = (wanted: number) => Array.from({ length: wanted }, () => budget.spend()).filter(Boolean).length
  const noteCalls = (count: number) => Array.from({ length: count }, () => budget.noteCall())
  return { clock, budget, spent, noteCalls }
}

it('a count forgets what is older than its window, part by part, however long nothing came', () => {
  const count = new RecentCount({ windowMs: 1_000, bucketCount: 10 })
  for (const atMs of [5, 105, 105, 950]) count.add(atMs)
  expect([950, 1_050, 1_150, 1_899, 1_900, 999_999].map((atMs) => count.total(atMs))).toEqual([4, 3, 1, 1, 0, 0])
  count.add(1_000_000)
  expect(count.total(1_000_000)).toBe(1)
})

describe('a budget', () => {
  it('is a share of the calls of the last ten seconds', () => {
    const { clock, noteCalls, spent } = budgetOf()
    noteCalls(500)
    expect(spent(100)).toBe(50)
    clock.current = 9_000
    expect(spent(100)).toBe(0)
    clock.current = 10_000
    noteCalls(200)
    expect(spent(100)).toBe(20)
  })

  it('has a minimum, which is no addition to the share', () => {
    const { noteCalls, spent } = budgetOf()
    expect(spent(100)).toBe(10)
    noteCalls(150)
    expect(spent(100)).toBe(5)
    expect(budgetOf({ ratio: 0.1, minPerSecond: 0 }).spent(1)).toBe(0)
  })

  it('lets no more than a tenth come on top in an outage, over all operations of a remote', async () => {
    const { begin, clock, decisions, sent } = policed({ retry: {} }, failing('unavailable'))
    for (let round = 0; round < 2_000; round += 1) {
      begin(round % 2 === 0 ? 'read' : 'put')
      await clock.pass(5)
    }
    await clock.pass(5_000)
    expect(sent.length / 2_000).toBeGreaterThan(1.05)
    expect(sent.length / 2_000).toBeLessThanOrEqual(1.1)
    expect(new Set(decisions.map(({ decision }) => decision))).toEqual(new Set(['retry', 'retry_refused']))
  })

  it('may be what a policy says', async () => {
    const { begin, clock, sent } = policed({ retry: {}, budget: { ratio: 1, minPerSecond: 0 } }, failing('unavailable'))
    for (let round = 0; round < 100; round += 1) begin('read')
    await clock.pass(5_000)
    expect(sent).toHaveLength(200)
  })
})
