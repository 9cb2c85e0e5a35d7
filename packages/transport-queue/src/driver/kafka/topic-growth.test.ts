import { expect, it, vi } from 'vitest'
import { growthLookMs, TopicGrowth } from './topic-growth.ts'

it('looks every minute, and tells that a topic has more partitions than were shared out, until others are', async () => {
  using clock = steered()
  const counts = new Map([['a', 2]])
  let askedCount = 0
  const growth = new TopicGrowth(async () => {
    askedCount += 1
    return counts
  })
  growth.begin(new Map([['a', 2]]))
  expect([await look(growth), askedCount]).toEqual([false, 0])
  clock.passed(growthLookMs)
  expect([await look(growth), askedCount]).toEqual([false, 1])
  expect([await look(growth), askedCount]).toEqual([false, 1])
  counts.set('a', 3)
  clock.passed(growthLookMs)
  expect([await look(growth), askedCount]).toEqual([true, 2])
  growth.begin(new Map([['a', 3]]))
  clock.passed(growthLookMs)
  expect(await look(growth)).toBe(false)
})

it('asks nothing where somebody else shares, and finds nothing in what is not known now or has fewer', async () => {
  using clock = steered()
  const asked: (readonly string[])[] = []
  const growth = new TopicGrowth(async (topics) => {
    asked.push(topics)
    return new Map([['b', 1]])
  })
  growth.begin(new Map())
  clock.passed(growthLookMs)
  expect([await look(growth), asked]).toEqual([false, []])
  growth.begin(new Map(Object.entries({ a: 1, b: 2 })))
  clock.passed(growthLookMs)
  expect([await look(growth), asked]).toEqual([false, [['a', 'b']]])
})

it('asks once at a time, and what it hears of an earlier share does not count', async () => {
  using clock = steered()
  const [answer, asked] = [Promise.withResolvers<void>(), vi.fn()]
  const growth = new TopicGrowth(async () => {
    asked()
    await answer.promise
    return new Map([['a', 4]])
  })
  growth.begin(new Map([['a', 2]]))
  for (let time = 0; time < 3; time++) {
    clock.passed(growthLookMs)
    expect(await look(growth)).toBe(false)
  }
  expect(asked).toHaveBeenCalledTimes(1)
  growth.begin(new Map([['a', 4]]))
  answer.resolve()
  expect(await look(growth)).toBe(false)
})

/** What it tells once its look has come to an end, unless that waits. */
async function look(growth: TopicGrowth): Promise<boolean> {
  growth.hasGrown()
  await new Promise((resolve) => setImmediate(resolve))
  return growth.hasGrown()
}

function steered() {
  let now = 0
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now)
  return {
    passed: (durationMs: number) => void (now += durationMs),
    [Symbol.dispose]: () => spy.mockRestore(),
  }
}
