import { metrics, type Tracer, type TracerProvider, trace } from '@opentelemetry/api'
import { attempt } from './attempt.ts'
import { areMetricsRecorded } from './instrument.ts'

/** What an OpenTelemetry SDK that is registered takes of calls. */
export interface Telemetry {
  /** Undefined where no tracer provider is registered. */
  readonly tracer: Tracer | undefined
  /** Whether a meter provider is registered. */
  readonly isMeasured: boolean
}

/** What is registered now; undefined where nothing is, which is found out within some nanoseconds. */
export function registeredTelemetry(): Telemetry | undefined {
  const tracers = behindProxy(trace.getTracerProvider())
  const meters = metrics.getMeterProvider()
  if (tracers !== known.tracers || meters !== known.meters) known = { tracers, meters, telemetry: toTelemetry() }
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

function toTelemetry(): Telemetry | undefined {
  const tracer = attempt(() => tracerOf(trace.getTracerProvider()))
  const isMeasured = attempt(areMetricsRecorded) ?? false
  return tracer === undefined && !isMeasured ? undefined : { tracer, isMeasured }
}

const scope = '@tenon/core'

function tracerOf(provider: TracerProvider): Tracer | undefined {
  return isProxy(provider) ? provider.getDelegateTracer(scope) : provider.getTracer(scope)
}
