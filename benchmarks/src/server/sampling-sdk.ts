import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

export interface SamplingSdk {
  /** Whether it keeps metrics too. @defaultValue true */
  readonly isMeasuring?: boolean
}

/** An SDK that keeps a span in a hundred and all metrics, and sends nothing: what a collector costs is not a matter of calls. */
export function registerSdk({ isMeasuring = true }: SamplingSdk = {}): Disposable {
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0.01) })
  const tracers = new TracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor({ exporter: nowhere })] })
  const meters = new MeterProvider({ readers: [toMemory()] })
  trace.setGlobalTracerProvider(tracers)
  if (isMeasuring) metrics.setGlobalMeterProvider(meters)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()]
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }))
  return {
    [Symbol.dispose]: () => {
      for (const api of [trace, metrics, context, propagation]) api.disable()
      void tracers.shutdown()
      void meters.shutdown()
    },
  }
}

function toMemory(): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 60_000,
  })
}

const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: 0 }),
  shutdown: async () => undefined,
}
