import { type Counter, metrics } from '@opentelemetry/api'
import { keptCounter } from './kept-counter.ts'

/** An instance of another service. */
export interface CalledInstance {
  /** Of the client: the name of its contract. */
  readonly contract: string
  readonly address: string
}

/** The metrics of clients, by their names. Nothing happens without an OpenTelemetry SDK. */
export const clientMetrics = Object.freeze({
  'tenon.client.picks': { unit: '{call}', description: 'Calls that were given to an instance.' },
  'tenon.client.passed_over_calls': {
    unit: '{call}',
    description: 'Calls that the breaker of an instance refused, and another instance was given.',
  },
  'tenon.client.open_breakers': { unit: '{breaker}', description: 'Breakers that have refused calls of late.' },
  'tenon.client.returns': { unit: '{return}', description: 'Instances that were taken in again after an ejection.' },
  'tenon.client.ejections': { unit: '{ejection}', description: 'Instances that were taken out as they failed calls.' },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/** What says which remote it was. */
export function remoteAttributes(contract: string): Readonly<Record<string, string>> {
  return Object.freeze({ 'tenon.client.contract': contract })
}

/** What says which instance it was. */
export function instanceAttributes({ contract, address }: CalledInstance): Readonly<Record<string, string>> {
  return Object.freeze({ ...remoteAttributes(contract), 'tenon.client.address': address })
}

/** Counts a call that is given to an instance. */
export const recordPick = keptCounter('tenon.client.picks', clientMetrics['tenon.client.picks'])

/** Counts an instance that is taken out. */
export function recordEjection(attributes: Readonly<Record<string, string>>, reason: string): void {
  createCounter('tenon.client.ejections').add(1, { ...attributes, 'tenon.client.reason': reason })
}

/** Counts an instance that is taken in again. */
export function recordReturn(attributes: Readonly<Record<string, string>>): void {
  createCounter('tenon.client.returns').add(1, attributes)
}

/** Counts a call that an instance was not given. */
export const recordPassedOver = keptCounter(
  'tenon.client.passed_over_calls',
  clientMetrics['tenon.client.passed_over_calls'],
)

/**
 * Keeps the number of breakers that are open. Closed ones are not counted: a breaker begins as one, before there may be an SDK.
 *
 * @param attributes Of the remote, or of the instance.
 */
export function recordBreaker(attributes: Readonly<Record<string, string>>, state: 'open' | 'closed'): void {
  const metric = 'tenon.client.open_breakers'
  const counter = metrics.getMeter('@tenon/core').createUpDownCounter(metric, clientMetrics[metric])
  counter.add(state === 'open' ? 1 : -1, attributes)
}

function createCounter(name: keyof typeof clientMetrics): Counter {
  return metrics.getMeter('@tenon/core').createCounter(name, clientMetrics[name])
}
