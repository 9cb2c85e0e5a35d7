import { expect, it } from 'vitest'
import { SimulatedTime } from './simulated-time.ts'

it('lets everything happen in its order, also what is asked for meanwhile, and stops where it is told to', async () => {
  const time = new SimulatedTime(1)
  const seen: string[] = []
  const after = (waitMs: number, name: string, then?: () => void) =>
    time.after(waitMs, () => {
      seen.push(`${name} ${time.nowMs()}`)
      then?.()
    })
  after(5_000, 'far')
  after(2.5, 'second')
  after(2.25, 'first', () => {
    after(0, 'at once')
    after(0.5, 'behind')
    after(10, 'later')
  })
  after(2.5, 'third')
  await time.runUntil(2.5)
  expect(seen).toEqual(['first 2.25', 'at once 2.25', 'second 2.5', 'third 2.5'])
  expect(time.nowMs()).toBe(2.5)
  await time.runUntil(6_000)
  expect(seen.slice(4)).toEqual(['behind 2.75', 'later 12.25', 'far 5000'])
  expect(time.nowMs()).toBe(6_000)
})

it('forgets what is taken back, whether it is due soon or later', async () => {
  const time = new SimulatedTime(1)
  const seen: string[] = []
  const takeBack = [0.5, 500].map((waitMs) => time.after(waitMs, () => seen.push('taken back')))
  time.after(0.25, () => {
    for (const one of takeBack) one()
    time.after(0.5, () => seen.push('left'))
  })
  await time.runUntil(1_000)
  expect(seen).toEqual(['left'])
})

it('lets what waits for a promise go on before the next event', async () => {
  const time = new SimulatedTime(1)
  const seen: string[] = []
  const waitTwice = async (awaited: Promise<void>) => {
    await awaited
    await awaited
    seen.push(`awaited ${time.nowMs()}`)
  }
  const { promise, resolve } = Promise.withResolvers<void>()
  const waiting = waitTwice(promise)
  time.timer(1, resolve)
  time.after(1.5, () => seen.push('next'))
  await time.runUntil(2)
  await waiting
  expect(seen).toEqual(['awaited 1', 'next'])
})
