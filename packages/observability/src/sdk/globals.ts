import {
  context,
  type ContextManager,
  type Meter,
  type MeterProvider,
  metrics,
  propagation,
  type SpanContext,
  type TextMapPropagator,
  trace,
  TraceFlags,
  type TracerProvider,
} from '@opentelemetry/api'
import type { ExemplarStore } from './exemplar-store.ts'

/** What is registered with the API, where all that measures finds it. */
export interface Registered {
  readonly tracers: TracerProvider
  readonly meters: MeterProvider
  readonly contexts: ContextManager
  /** Undefined for none. */
  readonly propagator: TextMapPropagator | undefined
}

/** Whether all was registered, and how it is taken back. */
export interface Registration {
  /** False where the process has an SDK already, which keeps its place. */
  readonly isWhole: boolean
  unregister(): void
}

export function register({ tracers, meters, contexts, propagator }: Registered): Registration {
  const done = [
    trace.setGlobalTracerProvider(tracers) && (() => trace.disable()),
    metrics.setGlobalMeterProvider(meters) && (() => metrics.disable()),
    context.setGlobalContextManager(contexts) && (() => context.disable()),
    propagator === undefined || (propagation.setGlobalPropagator(propagator) && (() => propagation.disable())),
  ]
  return {
    isWhole: !done.includes(false),
    unregister: () => {
      for (const undo of done) if (typeof undo === 'function') undo()
    },
  }
}

/** Meters whose histograms also keep which span a value was measured in, where that span is kept. */
export function withExemplars(
  provider: MeterProvider & { forceFlush(): Promise<void> },
  exemplars: ExemplarStore,
): MeterProvider & { forceFlush(): Promise<void> } {
  return {
    getMeter: (...given) => withHistograms(provider.getMeter(...given), exemplars),
    forceFlush: () => provider.forceFlush(),
  }
}

/** Whether a span is kept. */
export function isSampled({ traceFlags }: SpanContext): boolean {
  return (traceFlags & TraceFlags.SAMPLED) !== 0
}

function withHistograms(meter: Meter, exemplars: ExemplarStore): Meter {
  const createHistogram: Meter['createHistogram'] = (name, options) => {
    const histogram = meter.createHistogram(name, options)
    return {
      record: (value, attributes, measuredIn = context.active()) => {
        histogram.record(value, attributes, measuredIn)
        const span = trace.getSpanContext(measuredIn)
        if (span === undefined || !isSampled(span)) return
        const { traceId, spanId } = span
        exemplars.add(name, attributes ?? {}, { value, traceId, spanId, atMs: Date.now() })
      },
    }
  }
  return Object.create(meter, { createHistogram: { value: createHistogram } }) as Meter
}
