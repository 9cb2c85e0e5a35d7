import { type Attributes, context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { onTestFinished } from 'vitest'

export interface RecordingOptions {
  readonly sampler?: Sampler
  /** @defaultValue true */
  readonly hasContextManager?: boolean
}

/** A span as a test looks at it. */
export interface RecordedSpan {
  readonly name: string
  readonly kind: string
  /** Name of the span that it is a part of; undefined for a root, `(unknown)` for one that nobody recorded. */
  readonly parent: string | undefined
  readonly traceId: string
  readonly spanId: string
  readonly status: string
  readonly attributes: Attributes
  /** Names of the spans that it is linked to. */
  readonly links: readonly string[]
  readonly events: readonly string[]
}

/** Registers an SDK as an application does, until the test ends, and keeps what it is told. */
export function recordTelemetry({ sampler, hasContextManager = true }: RecordingOptions = {}) {
  const exporter = new InMemorySpanExporter()
  const spanProcessors = [new SimpleSpanProcessor({ exporter })]
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors, ...(sampler && { sampler }) }))
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  if (hasContextManager) context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  const { meterProvider, points, totals } = recordMetrics()
  metrics.setGlobalMeterProvider(meterProvider)
  onTestFinished(async () => {
    forgetTelemetry()
    await meterProvider.shutdown()
  })
  return {
    spans: () => toRecorded(exporter.getFinishedSpans()),
    /** The values of a metric: of a histogram how many were recorded, of anything else the sum. */
    points,
    /** The same, but of a histogram the sum of what was recorded. */
    totals,
    forget: () => exporter.reset(),
  }
}

/** Nothing is registered any more. */
export function forgetTelemetry(): void {
  trace.disable()
  propagation.disable()
  context.disable()
  metrics.disable()
}

interface Point {
  readonly value: number
  readonly attributes: Attributes
}

interface HistogramValue {
  readonly count: number
  readonly sum?: number
}

function recordMetrics() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const collect = async (name: string, valueOf: (histogram: HistogramValue) => number): Promise<readonly Point[]> => {
    exporter.reset()
    await meterProvider.forceFlush()
    const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const found = all.find(({ descriptor }) => descriptor.name === name)
    return (found?.dataPoints ?? []).map(({ value, attributes }) => ({
      value: typeof value === 'number' ? value : valueOf(value),
      attributes,
    })) as readonly Point[]
  }
  const points = (name: string) => collect(name, ({ count }) => count)
  const totals = (name: string) => collect(name, ({ sum = 0 }) => sum)
  return { meterProvider, points, totals }
}

function toRecorded(spans: readonly ReadableSpan[]): readonly RecordedSpan[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
  const nameOf = (spanId: string) => names.get(spanId) ?? '(unknown)'
  return spans.map((span) => ({
    name: span.name,
    kind: SpanKind[span.kind],
    parent: span.parentSpanContext && nameOf(span.parentSpanContext.spanId),
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    status: SpanStatusCode[span.status.code],
    attributes: span.attributes,
    links: span.links.map((link) => nameOf(link.context.spanId)),
    events: span.events.map(({ name }) => name),
  }))
}
