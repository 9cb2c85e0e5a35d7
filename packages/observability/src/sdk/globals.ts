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

/** One that finds the place taken gets it when that one is taken back, as a service does that outlives another of its process. */
export function register(registered: Registered): Registration {
  const parts = partsOf(registered)
  const done = new Set<Part>()
  const take = () => {
    for (const part of parts) if (!done.has(part) && part.set()) done.add(part)
  }
  take()
  waiting.add(take)
  return {
    isWhole: done.size === parts.length,
    unregister: () => {
      waiting.delete(take)
      for (const { unset } of done) unset()
      for (const next of waiting) next()
    },
  }
}

/** What the API keeps one of. */
interface Part {
  /** False where there is one already. */
  readonly set: () => boolean
  readonly unset: () => void
}

/** Those that are registered, and those that would be, in the order in which they came. */
const waiting = new Set<() => void>()

function partsOf({ tracers, meters, contexts, propagator }: Registered): readonly Part[] {
  return [
    { set: () => trace.setGlobalTracerProvider(tracers), unset: () => trace.disable() },
    { set: () => metrics.setGlobalMeterProvider(meters), unset: () => metrics.disable() },
    { set: () => context.setGlobalContextManager(contexts), unset: () => context.disable() },
    ...(propagator
      ? [{ set: () => propagation.setGlobalPropagator(propagator), unset: () => propagation.disable() }]
      : []),
  ]
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
