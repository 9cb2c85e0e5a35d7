import { type Counter, type MeterProvider, metrics } from '@opentelemetry/api'

/** An instance of another service. */
export interface CalledInstance {
  /** Of the client: the name of its contract. */
  readonly contract: string
  readonly address: string
}

/** The metrics of clients, by their names. Nothing happens without an OpenTelemetry SDK. */
export const clientMetrics = Object.freeze({
  'tenon.client.picks': { unit: '{call}', description: 'Calls that were given to an instance.' },
  'tenon.client.ejections': { unit: '{ejection}', description: 'Instances that were taken out as they failed calls.' },
} satisfies Readonly<Record<string, { readonly unit: string; readonly description: string }>>)

/** What says which instance it was. */
export function instanceAttributes({ contract, address }: CalledInstance): Readonly<Record<string, string>> {
  return Object.freeze({ 'tenon.client.contract': contract, 'tenon.client.address': address })
}

/** Counts a call that is given to an instance. The counter is kept, as calls are many, until an SDK is registered. */
export function recordPick(attributes: Readonly<Record<string, string>>): void {
  const provider = metrics.getMeterProvider()
  if (provider !== picksFrom) {
    picksFrom = provider
    picks = createCounter('tenon.client.picks')
  }
  picks?.add(1, attributes)
}

let picks: Counter | undefined
let picksFrom: MeterProvider | undefined

/** Counts an instance that is taken out. */
export function recordEjection(attributes: Readonly<Record<string, string>>, reason: string): void {
  createCounter('tenon.client.ejections').add(1, { ...attributes, 'tenon.client.reason': reason })
}

function createCounter(name: keyof typeof clientMetrics): Counter {
  return metrics.getMeter('@tenon/core').createCounter(name, clientMetrics[name])
}
