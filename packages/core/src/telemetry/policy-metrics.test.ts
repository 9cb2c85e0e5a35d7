import { type Counter, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import { recordDecision } from './policy-metrics.ts'

afterEach(() => metrics.disable())

/** Notes which counters are made, and what they count. */
function noting() {
  const made: string[] = []
  const counted: unknown[] = []
  const add: Counter['add'] = (value, attributes) => void counted.push([value, attributes])
  const createCounter = (name: string) => (made.push(name), { add })
  const provider = { getMeter: () => ({ createCounter }) } as unknown as MeterProvider
  return { made, counted, provider }
}

it('counts decisions with a counter that is made once, and anew for another SDK', () => {
  const [one, other] = [noting(), noting()]
  const contract = 'shop.NoteService'
  recordDecision({ contract, decision: 'breaker_opened' })
  metrics.setGlobalMeterProvider(one.provider)
  recordDecision({ contract, decision: 'breaker_opened' })
  recordDecision({ contract, operation: 'read', decision: 'retry', code: 'unavailable' })
  metrics.disable()
  metrics.setGlobalMeterProvider(other.provider)
  recordDecision({ contract, decision: 'breaker_closed' })
  const of = (decision: string) => ({ 'tenon.client.contract': contract, 'tenon.client.decision': decision })
  expect(one.made).toEqual(['tenon.client.decisions'])
  expect(one.counted).toEqual([
    [1, of('breaker_opened')],
    [1, { ...of('retry'), 'tenon.client.operation': 'read', 'error.type': 'unavailable' }],
  ])
  expect(other.made).toEqual(['tenon.client.decisions'])
  expect(other.counted).toEqual([[1, of('breaker_closed')]])
})
