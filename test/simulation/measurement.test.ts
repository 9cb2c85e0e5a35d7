import { expect, it } from 'vitest'
import { meansOf, Measurement, spreadOf } from './measurement.ts'

it('takes neighbours together, the last of which may be fewer', () => {
  expect(meansOf([1, 3, 5, 7, 9], 2)).toEqual([2, 6, 9])
  expect(meansOf([1, 3, 5], 1)).toEqual([1, 3, 5])
})

it('tells the least and the largest as parts of the mean, of many without a hundredth at either end', () => {
  expect(spreadOf([1, 2, 3])).toEqual({ least: 0.5, most: 1.5 })
  const tens = Array.from({ length: 97 }, () => 10)
  expect(spreadOf([0, ...tens, 20])).toEqual({ least: 0, most: 2 })
  expect(spreadOf([0, ...tens, 10, 20])).toEqual({ least: 1, most: 1 })
})

it('counts calls and attempts by the time at which they began', () => {
  const measurement = new Measurement()
  for (const atMs of [0, 499, 500]) measurement.note({ atMs, latencyMs: atMs + 1, hasFailed: atMs === 499 })
  for (const atMs of [1, 2, 600]) measurement.noteAttempt(atMs)
  expect(measurement.between(0, 500)).toEqual({ p50Ms: 500, p99Ms: 500, failedRatio: 0.5, attemptsPerCall: 1 })
  expect(measurement.between(500, 1_000)).toEqual({ p50Ms: 501, p99Ms: 501, failedRatio: 0, attemptsPerCall: 1 })
})
