import { expect, it } from 'vitest'
import { LiveValues } from './live-values.ts'

const start = { rate: 1, region: 'eu' }

function valuesOf() {
  const failures: unknown[] = []
  const values = new LiveValues(start, (error) => failures.push(error))
  return { values, failures, rate: values.live(({ rate }) => rate) }
}

it('tells who listens to one value of its changes only, and who listens to all of each', () => {
  const { values, rate } = valuesOf()
  const told: unknown[] = []
  rate.onChange((value) => told.push(value))
  values.live((all) => all).onChange((all) => told.push(all))
  const moved = { rate: 1, region: 'us' }
  const faster = { rate: 2, region: 'us' }
  values.put(moved)
  values.put(faster)
  expect(told).toEqual([moved, 2, faster])
  expect(rate.current).toBe(2)
})

it('tells nobody who does not listen any more', () => {
  const { values, rate } = valuesOf()
  const told: number[] = []
  const listening = rate.onChange((value) => told.push(value))
  listening[Symbol.dispose]()
  values.put({ ...start, rate: 2 })
  expect(told).toEqual([])
})

it('harms nobody with a listener that throws or rejects', async () => {
  const { values, failures, rate } = valuesOf()
  const told: number[] = []
  const [thrown, rejected] = [new Error('thrown'), new Error('rejected')]
  rate.onChange(() => {
    throw thrown
  })
  rate.onChange(() => Promise.reject(rejected))
  rate.onChange((value) => told.push(value))
  values.put({ ...start, rate: 2 })
  expect(told).toEqual([2])
  await Promise.resolve()
  expect(failures).toEqual([thrown, rejected])
})

it('is iterated over from the current value on, and gives a slow reader the newest', async () => {
  const { values, rate } = valuesOf()
  const steps = rate[Symbol.asyncIterator]()
  expect(await steps.next()).toEqual({ done: false, value: 1 })
  for (const next of [2, 3, 4]) values.put({ ...start, rate: next })
  expect(await steps.next()).toEqual({ done: false, value: 4 })
  const waiting = steps.next()
  values.put({ ...start, rate: 5 })
  expect(await waiting).toEqual({ done: false, value: 5 })
})

it('ends who waits for the next value, and changes nothing any more', async () => {
  const { values, rate } = valuesOf()
  const steps = rate[Symbol.asyncIterator]()
  await steps.next()
  const waiting = steps.next()
  const told: number[] = []
  rate.onChange((value) => told.push(value))
  values.end()
  expect(await waiting).toEqual({ done: true, value: undefined })
  values.put({ ...start, rate: 2 })
  rate.onChange((value) => told.push(value))
  values.put({ ...start, rate: 3 })
  expect([rate.current, told]).toEqual([1, []])
  for await (const value of rate) told.push(value)
  expect(told).toEqual([])
})
