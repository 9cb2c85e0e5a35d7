import { type Counter, metrics, type MeterProvider } from '@opentelemetry/api'
import { afterEach, expect, it } from 'vitest'
import {
  instanceAttributes,
  recordBreaker,
  recordEjection,
  recordPassedOver,
  recordPick,
  recordReturn,
  remoteAttributes,
} from './client-metrics.ts'

afterEach(() => metrics.disable())

const attributes = instanceAttributes({ contract: 'shop.NoteService', address: '10.0.0.7:1' })

/** Notes what is made and counted. */
function noting() {
  const recorded: unknown[] = []
  const add: Counter['add'] = (value, given) => void recorded.push([value, given])
  const createCounter = (name: string) => (recorded.push(name), { add })
  const createUpDownCounter = createCounter
  const provider = { getMeter: () => ({ createCounter, createUpDownCounter }) } as unknown as MeterProvider
  return { recorded, provider }
}

it('does nothing without an SDK', () => {
  expect(() => recordPick(attributes)).not.toThrow()
})

it('counts picks with a counter that is made once, and anew for another SDK', () => {
  const [one, other] = [noting(), noting()]
  metrics.setGlobalMeterProvider(one.provider)
  recordPick(attributes)
  recordPick(attributes)
  const made = 'tenon.client.picks'
  const named = { 'tenon.client.contract': 'shop.NoteService', 'tenon.client.address': '10.0.0.7:1' }
  expect(one.recorded).toEqual([made, [1, named], [1, named]])
  metrics.disable()
  metrics.setGlobalMeterProvider(other.provider)
  recordPick(attributes)
  expect(other.recorded).toEqual([made, [1, named]])
})

it('counts calls that an instance was not given with a counter that is made once', () => {
  const { recorded, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  recordPassedOver(attributes)
  recordPassedOver(attributes)
  expect(recorded).toEqual(['tenon.client.passed_over_calls', [1, attributes], [1, attributes]])
})

it('keeps the number of open breakers, of remotes and of instances', () => {
  const { recorded, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  const ofRemote = remoteAttributes('shop.NoteService')
  recordBreaker(ofRemote, 'open')
  recordBreaker(attributes, 'open')
  recordBreaker(ofRemote, 'closed')
  const made = 'tenon.client.open_breakers'
  const named = { 'tenon.client.contract': 'shop.NoteService' }
  expect(recorded).toEqual([made, [1, named], [1, attributes], [-1, named]])
})

it('counts returns', () => {
  const { recorded, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  recordReturn(attributes)
  expect(recorded).toEqual(['tenon.client.returns', [1, attributes]])
})

it('counts ejections with their reason', () => {
  const { recorded, provider } = noting()
  metrics.setGlobalMeterProvider(provider)
  recordEjection(attributes, 'success_rate')
  expect(recorded).toEqual(['tenon.client.ejections', [1, { ...attributes, 'tenon.client.reason': 'success_rate' }]])
})
