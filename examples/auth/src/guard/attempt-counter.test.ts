import { expect, test } from 'vitest'
import { AttemptCounter } from './attempt-counter.ts'

function counterAt(maxNameCount = 10) {
  const clock = { now: 0 }
  return { clock, counter: new AttemptCounter({ maxCount: 2, windowMs: 100, maxNameCount }, () => clock.now) }
}

test('closes a name that has had its attempts, and no other', () => {
  const { clock, counter } = counterAt()
  counter.count('ada')
  clock.now = 30
  expect(counter.waitMs('ada')).toBe(0)
  counter.count('ada')
  expect([counter.waitMs('ada'), counter.waitMs('bob')]).toEqual([70, 0])
})

test('opens a name at the end of its window, however many attempts came meanwhile', () => {
  const { clock, counter } = counterAt()
  for (; clock.now < 100; clock.now += 1) counter.count('ada')
  expect(counter.waitMs('ada')).toBe(0)
  counter.count('ada')
  expect(counter.waitMs('ada')).toBe(0)
})

test('gives an attempt back, and forgets a name', () => {
  const { counter } = counterAt()
  for (const _attempt of [1, 2]) counter.count('ada')
  counter.giveBack('ada')
  expect(counter.waitMs('ada')).toBe(0)
  for (const _attempt of [1, 2]) counter.count('ada')
  counter.forget('ada')
  expect(counter.waitMs('ada')).toBe(0)
  counter.giveBack('ada')
  for (const _attempt of [1, 2]) counter.count('ada')
  expect(counter.waitMs('ada')).toBe(100)
})

test('remembers so many names, and of more the newest', () => {
  const { counter } = counterAt(3)
  for (const name of ['ada', 'bob', 'cyd', 'dan'].flatMap((one) => [one, one])) counter.count(name)
  expect(['ada', 'bob', 'cyd', 'dan'].map((name) => counter.waitMs(name))).toEqual([0, 100, 100, 100])
})
