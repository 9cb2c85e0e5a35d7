import {
  createNoopMeter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type Tracer,
  type TracerProvider,
  trace,
  type UpDownCounter,
} from '@opentelemetry/api'
import { attempt } from './attempt.ts'
import { type CallMetricRow, callMetricTable } from './call-metric-table.ts'

/** What an OpenTelemetry SDK that is registered takes of calls. */
export interface Telemetry {
  /** Undefined where no tracer provider is registered. */
  readonly tracer: Tracer | undefined
  /** Undefined where no meter provider is registered. */
  readonly instruments: CallInstruments | undefined
}

/** An instrument for each metric of calls. */
export interface CallInstruments {
  readonly durations: ReadonlyMap<string, Histogram>
  readonly active: ReadonlyMap<string, UpDownCounter>
}

/** What is registered now; undefined where nothing is, which is found out within some nanoseconds. */
export function registeredTelemetry(): Telemetry | undefined {
  const tracers = behindProxy(trace.getTracerProvider())
  const meters = metrics.getMeterProvider()
  if (tracers !== known.tracers || meters !== known.meters) known = { tracers, meters, telemetry: toTelemetry(meters) }
  return known.telemetry
}

/** Whether something is registered that takes what is told of calls. */
export function isObserving(): boolean {
  return registeredTelemetry() !== undefined
}

/** The API hands out a proxy, whichever copy of it the SDK was registered with. */
export function behindProxy(provider: object): object {
  return isProxy(provider) ? provider.getDelegate() : provider
}

interface Known {
  readonly tracers: object | undefined
  readonly meters: object | undefined
  readonly telemetry: Telemetry | undefined
}

let known: Known = { tracers: undefined, meters: undefined, telemetry: undefined }

interface ProxyProvider {
  getDelegate(): object
  /** Undefined where nothing is behind it. */
  getDelegateTracer(name: string): Tracer | undefined
}

function isProxy(provider: object): provider is ProxyProvider {
  return 'getDelegate' in provider
}

function toTelemetry(meters: MeterProvider): Telemetry | undefined {
  const tracer = attempt(() => tracerOf(trace.getTracerProvider()))
  const instruments = attempt(() => instrumentsOf(meters.getMeter(scope)))
  return tracer === undefined && instruments === undefined ? undefined : { tracer, instruments }
}

const scope = '@tenon/core'

function tracerOf(provider: TracerProvider): Tracer | undefined {
  return isProxy(provider) ? provider.getDelegateTracer(scope) : provider.getTracer(scope)
}

function instrumentsOf(meter: Meter): CallInstruments | undefined {
  if (meter === createNoopMeter()) return undefined
  const rows: readonly (readonly [string, CallMetricRow])[] = Object.entries(callMetricTable)
  const named = (instrument: CallMetricRow['instrument']) => rows.filter(([, row]) => row.instrument === instrument)
  return {
    durations: new Map(
      named('histogram').map(([name, { unit, description, boundaries = [] }]) => {
        const advice = { explicitBucketBoundaries: [...boundaries] }
        return [name, meter.createHistogram(name, { unit, description, advice })]
      }),
    ),
    active: new Map(
      named('updowncounter').map(([name, { unit, description }]) => [
        name,
        meter.createUpDownCounter(name, { unit, description }),
      ]),
    ),
  }
}
