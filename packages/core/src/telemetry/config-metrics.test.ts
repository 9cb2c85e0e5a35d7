import { expect, it } from 'vitest'
import { recordRefused } from './config-metrics.ts'

it('does nothing without an SDK', () => {
  expect(() => recordRefused({ service: 'user', variable: 'RATE' })).not.toThrow()
})
