import {
  type AttributeValue,
  type BatchObservableCallback,
  type Counter,
  type Gauge,
  type Histogram,
  createNoopMeter,
  type Meter,
  type MeterProvider,
  type MetricOptions,
  metrics,
  type Observable,
  type UpDownCounter,
} from '@opentelemetry/api'
import { type InstrumentKind, type MetricRow, metricTable, type ObservableKind } from './metric-table.ts'

/** The names of the metrics of one kind. */
export type MetricName<Kind extends InstrumentKind = InstrumentKind> = {
  [Name in keyof MetricTable]: MetricTable[Name]['instrument'] extends Kind ? Name : never
}[keyof MetricTable]

/** The attributes that a metric has; a value may have fewer. */
export type MetricAttributes<Name extends MetricName> = {
  readonly [Attribute in keyof MetricTable[Name]['attributes']]?: AttributeValue
}

type MetricTable = typeof metricTable

/**
 * Counts with the OpenTelemetry SDK that is registered by now, as what a service creates may register one; does nothing without. The same each
 * time while the same SDK is registered.
 */
export function counter<Name extends MetricName<'counter'>>(name: Name): Counter<MetricAttributes<Name>> {
  return counterOf(name)
}

/** Counts up and down; see `counter` on the SDK. */
export function upDownCounter<Name extends MetricName<'up-down counter'>>(
  name: Name,
): UpDownCounter<MetricAttributes<Name>> {
  return upDownCounterOf(name)
}

/** Records a value beside others, of which their number, sum and distribution are kept; see `counter` on the SDK. */
export function histogram<Name extends MetricName<'histogram'>>(name: Name): Histogram<MetricAttributes<Name>> {
  return histogramOf(name)
}

/** Records what a value is by now, in the place of what it was; see `counter` on the SDK. */
export function gauge<Name extends MetricName<'gauge'>>(name: Name): Gauge<MetricAttributes<Name>> {
  return gaugeOf(name)
}

/** Tells one value of a metric. */
export type Tell<Name extends MetricName<ObservableKind>> = <One extends Name>(
  name: One,
  value: number,
  attributes?: MetricAttributes<One>,
) => void

/**
 * Looks at values whenever the SDK collects them, all of them at once, until what it gives is called. Nothing is looked at by an SDK that is
 * registered later.
 *
 * @param look The SDK waits for what it gives.
 */
export function observe<Name extends MetricName<ObservableKind>>(
  names: readonly Name[],
  look: (tell: Tell<Name>) => void | Promise<void>,
): () => void {
  const meter = ownMeter()
  const made = new Map<MetricName, Observable>(names.map((name) => [name, observableOf(meter, name)] as const))
  const observables = [...made.values()]
  const callback: BatchObservableCallback = (result) =>
    look((name, value, attributes) => {
      const observable = made.get(name)
      if (observable) result.observe(observable, value, attributes)
    })
  meter.addBatchObservableCallback(callback, observables)
  return () => meter.removeBatchObservableCallback(callback, observables)
}

/** Whether an SDK records metrics by now. */
export function areMetricsRecorded(): boolean {
  return ownMeter() !== createNoopMeter()
}

const counterOf = kept((meter, name, options) => meter.createCounter(name, options))
const upDownCounterOf = kept((meter, name, options) => meter.createUpDownCounter(name, options))
const histogramOf = kept((meter, name, options) => meter.createHistogram(name, options))
const gaugeOf = kept((meter, name, options) => meter.createGauge(name, options))

/** Makes what is asked for by its row of the table, once for each SDK. */
function kept<Made>(
  make: (meter: Meter, name: MetricName, options: MetricOptions) => Made,
): (name: MetricName) => Made {
  const made = new Map<MetricName, Made>()
  let madeFrom: MeterProvider | undefined
  return (name) => {
    const provider = metrics.getMeterProvider()
    if (provider !== madeFrom) made.clear()
    madeFrom = provider
    const known = made.get(name)
    if (known) return known
    const one = make(ownMeter(), name, optionsOf(metricTable[name]))
    made.set(name, one)
    return one
  }
}

function observableOf(meter: Meter, name: MetricName<ObservableKind>): Observable {
  const row = metricTable[name]
  switch (row.instrument) {
    case 'observable counter':
      return meter.createObservableCounter(name, optionsOf(row))
    case 'observable gauge':
      return meter.createObservableGauge(name, optionsOf(row))
    case 'observable up-down counter':
      return meter.createObservableUpDownCounter(name, optionsOf(row))
  }
}

function ownMeter(): Meter {
  return metrics.getMeter('@tenon/core')
}

function optionsOf({ unit, description, boundaries }: MetricRow): MetricOptions {
  return { unit, description, ...(boundaries && { advice: { explicitBucketBoundaries: [...boundaries] } }) }
}
