import type { LoggerProvider, LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type {
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
  PushMetricExporter,
} from '@opentelemetry/sdk-metrics'
import type { Sampler, SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Resource } from '@opentelemetry/resources'
import type { ExportSettings, TelemetrySettings } from '../setting/telemetry-settings.ts'
import type { CollectorWatch } from './collector-watch.ts'
import { isSampled } from './globals.ts'
import { loadExporter, type Sdk } from './load-sdk.ts'
import { QueueWatch } from './queue-watch.ts'
import { WatchedExporter } from './watched-exporter.ts'

/** What the providers of a service share. */
export interface ProviderSite {
  readonly sdk: Sdk
  readonly settings: TelemetrySettings
  readonly resource: Resource
  readonly watch: CollectorWatch
}

/** A provider, and what waits for the batches that are being sent. */
export interface Provided<Provider> {
  readonly provider: Provider
  /** Undefined where nothing is sent. */
  readonly underWay: { forceFlush(): Promise<void> } | undefined
}

/** Spans that are sent in batches. Without an exporter they are made, for their ids are told to others and to the log. */
export async function tracerProvider({
  sdk,
  settings,
  resource,
  watch,
}: ProviderSite): Promise<Provided<TracerProvider>> {
  const given = settings.exports.traces
  const processors: SpanProcessor[] = []
  let underWay: Provided<TracerProvider>['underWay']
  if (given) {
    const { OTLPTraceExporter } = await loadExporter('traces', given.protocol)
    const queue = new QueueWatch(settings.spanBatch.maxQueueSize, () => watch.noteFull('traces'))
    const exporter = new WatchedExporter(
      new OTLPTraceExporter(exporterOptions(given)),
      (done) => watch.note('traces', done),
      (spans) => queue.leave(spans.length),
    )
    underWay = exporter
    const onEnd: SpanProcessor['onEnd'] = (span) => {
      // Those that are not sampled are not queued.
      if (isSampled(span.spanContext())) queue.enter()
    }
    processors.push(
      { ...passive, onStart: () => undefined, onEnd },
      new sdk.traces.BatchSpanProcessor({ exporter, ...settings.spanBatch }),
    )
  }
  const provider = new sdk.traces.TracerProvider({
    resource,
    sampler: toSampler(sdk, settings),
    spanProcessors: processors,
  })
  return { provider, underWay }
}

/** Metrics that are sent at intervals, and read whenever somebody asks. */
export async function meterProvider(
  { sdk, settings, resource, watch }: ProviderSite,
  asked: MetricReader,
): Promise<Provided<MeterProvider>> {
  const given = settings.exports.metrics
  const readers: (MetricReader | PeriodicExportingMetricReader)[] = [asked]
  let underWay: Provided<MeterProvider>['underWay']
  if (given) {
    const { OTLPMetricExporter } = await loadExporter('metrics', given.protocol)
    const own: PushMetricExporter = new OTLPMetricExporter(exporterOptions(given))
    const watched = new WatchedExporter(own, (done) => watch.note('metrics', done))
    underWay = watched
    const exporter: PushMetricExporter = {
      export: (batch, done) => watched.export(batch, done),
      forceFlush: () => watched.forceFlush(),
      shutdown: () => watched.shutdown(),
      selectAggregation: (type) => own.selectAggregation?.(type) ?? { type: sdk.metrics.AggregationType.DEFAULT },
      selectAggregationTemporality: (type) =>
        own.selectAggregationTemporality?.(type) ?? sdk.metrics.AggregationTemporality.CUMULATIVE,
    }
    readers.push(
      new sdk.metrics.PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: settings.metricIntervalMs,
        exportTimeoutMillis: Math.min(settings.metricTimeoutMs, settings.metricIntervalMs),
      }),
    )
  }
  return { provider: new sdk.metrics.MeterProvider({ resource, readers }), underWay }
}

/** Lines of log that are sent in batches; undefined where they are not. */
export async function loggerProvider({
  sdk,
  settings,
  resource,
  watch,
}: ProviderSite): Promise<Provided<LoggerProvider> | undefined> {
  const given = settings.exports.logs
  if (given === undefined) return undefined
  const { OTLPLogExporter } = await loadExporter('logs', given.protocol)
  const queue = new QueueWatch(settings.logBatch.maxQueueSize, () => watch.noteFull('logs'))
  const exporter = new WatchedExporter(
    new OTLPLogExporter(exporterOptions(given)),
    (done) => watch.note('logs', done),
    (lines) => queue.leave(lines.length),
  )
  const processors: LogRecordProcessor[] = [
    { ...passive, onEmit: () => queue.enter() },
    new sdk.logs.BatchLogRecordProcessor({ exporter, ...settings.logBatch }),
  ]
  return { provider: new sdk.logs.LoggerProvider({ resource, processors }), underWay: exporter }
}

/** What a processor does that keeps nothing. */
const passive = { forceFlush: async () => undefined, shutdown: async () => undefined }

/** What all exporters take. The names of compressions are an enum of a package that only exporters need. */
function exporterOptions({ url, headers, timeoutMs, compression }: ExportSettings) {
  return { url, timeoutMillis: timeoutMs, compression: compression as never, ...(headers && { headers }) }
}

function toSampler({ traces }: Sdk, { sampler, isParentBased, sampleRatio }: TelemetrySettings): Sampler {
  const made = {
    always_on: () => new traces.AlwaysOnSampler(),
    always_off: () => new traces.AlwaysOffSampler(),
    traceidratio: () => new traces.TraceIdRatioBasedSampler(sampleRatio),
  }[sampler]()
  return isParentBased ? new traces.ParentBasedSampler({ root: made }) : made
}
