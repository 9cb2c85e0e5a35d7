import { expect, it } from 'vitest'
import { boundedValues } from './bounded-values.ts'

it('tells the first values apart, however often they come, and no others', () => {
  const isToldApart = boundedValues(2)
  expect(['a', 'a', 'b', 'c', 'a', 'd'].map(isToldApart)).toEqual([true, true, true, false, true, false])
})

it('tells 1,000 values apart unless told otherwise', () => {
  const isToldApart = boundedValues()
  const told = Array.from({ length: 1_001 }, (_, port) => isToldApart(`10.0.0.7:${port}`))
  expect([told.indexOf(false), told.length]).toEqual([1_000, 1_001])
})
