import { expect, it } from 'vitest'
import type { Criticality } from './criticality.ts'
import { checkOverload, overloadDefaults, resolveOverload } from './overload-options.ts'

it('protects nothing unless asked to, and has defaults then', () => {
  expect(resolveOverload(undefined)).toBeUndefined()
  expect(checkOverload(undefined)).toEqual([])
  expect(resolveOverload({})).toEqual(overloadDefaults)
  expect(checkOverload(resolveOverload({ maxDelayMs: 10, maxLatencyFactor: 100, minConcurrentCalls: 1 }))).toEqual([])
})

it('names all that is out of range, at once', () => {
  const wrong = { maxDelayMs: 9, maxLatencyFactor: 1, minConcurrentCalls: 0.5, criticality: 'high' as Criticality }
  expect(checkOverload(resolveOverload(wrong)).map(({ message }) => message)).toEqual([
    'overload: maxDelayMs must be from 10 to 10000, found 9',
    'overload: maxLatencyFactor must be from 1.1 to 100, found 1',
    'overload: minConcurrentCalls must be a whole number from 1, found 0.5',
    'overload: criticality must be one of critical_plus, critical, sheddable_plus, sheddable, found high',
  ])
})
