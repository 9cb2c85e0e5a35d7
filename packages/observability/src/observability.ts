import {
  ConfigError,
  type Environment,
  type RunningTelemetry,
  type SetupProblem,
  type Telemetry,
  type TelemetrySite,
} from '@tenon/core'
import type { MetricReader } from '@opentelemetry/sdk-metrics'
import { toLogRecord } from './log-record.ts'
import { metricsRoute } from './prometheus/metrics-route.ts'
import { type ObservabilityOptions, type FilledOptions, resolveOptions } from './setting/observability-options.ts'
import { resourceAttributes } from './setting/resource-attributes.ts'
import { type PropagatorName, readTelemetrySettings, signals } from './setting/telemetry-settings.ts'
import { CollectorWatch } from './sdk/collector-watch.ts'
import { ExemplarStore } from './sdk/exemplar-store.ts'
import { register, withExemplars } from './sdk/globals.ts'
import { loadExporter, loadSdk, type Sdk } from './sdk/load-sdk.ts'
import { loggerProvider, meterProvider, type ProviderSite, tracerProvider } from './sdk/providers.ts'

/**
 * Collects what a service tells of itself: starts the OpenTelemetry SDK with it, sends spans, metrics and lines of log to a Collector, and answers
 * `/metrics` on the admin server. Nothing is patched and no loader hook is needed. The standard variables `OTEL_*` count before options;
 * `OTEL_SDK_DISABLED=true` collects nothing.
 *
 * @throws ConfigError `config.malformed`, `config.out_of_range` for options at once; for variables, and `config.package` for packages that
 * are not installed, when the service starts; its `check()` tells them too.
 */
export function observability(options: ObservabilityOptions = {}): Telemetry {
  const filled = resolveOptions(options)
  return { start: (site) => start(filled, site), check: (environment) => check(filled, environment) }
}

/** What a start would throw over variables and packages. */
async function check(options: FilledOptions, environment: Environment): Promise<readonly SetupProblem[]> {
  try {
    const { isDisabled, exports } = readTelemetrySettings(options, environment)
    if (isDisabled) return []
    await loadSdk()
    for (const signal of signals) {
      const given = exports[signal]
      if (given) await loadExporter(signal, given.protocol)
    }
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

async function start(options: FilledOptions, { service, environment, log }: TelemetrySite): Promise<RunningTelemetry> {
  const settings = readTelemetrySettings(options, environment)
  if (settings.isDisabled) return { stop: async () => undefined }
  const sdk = await loadSdk()
  const attributes = resourceAttributes(service, settings, environment)
  const resource = sdk.resources.defaultResource().merge(sdk.resources.resourceFromAttributes(attributes))
  const site: ProviderSite = { sdk, settings, resource, watch: new CollectorWatch(log) }
  const exemplars = new ExemplarStore()
  const reader = askedReader(sdk)
  const spans = await tracerProvider(site)
  const lines = await loggerProvider(site)
  // Begins to send at intervals, so nothing that may fail comes behind it.
  const measures = await meterProvider(site, reader)
  const registration = register({
    tracers: spans.provider,
    meters: withExemplars(measures.provider, exemplars),
    contexts: new sdk.contexts.AsyncLocalStorageContextManager().enable(),
    propagator: toPropagator(sdk, settings.propagators),
  })
  if (!registration.isWhole)
    log.warn(
      {},
      'the process has registered an OpenTelemetry SDK already: spans and metrics go where that one sends them',
    )
  const records = lines?.provider.getLogger('@tenon/core')
  return {
    routes: [
      metricsRoute(async () => {
        const { resourceMetrics } = await reader.collect()
        return { metrics: resourceMetrics, exemplarsOf: (metric, given) => exemplars.of(metric, given) }
      }),
    ],
    ...(records && {
      writeLine: (line) => {
        const record = toLogRecord(line)
        if (record) records.emit(record)
      },
    }),
    flush: async () => {
      const pending = [spans.underWay, measures.underWay, lines?.underWay].map((one) => one?.forceFlush())
      await Promise.all([lines?.provider.forceFlush(), ...pending])
    },
    stop: async () => {
      registration.unregister()
      await Promise.allSettled([spans.provider.shutdown(), measures.provider.shutdown(), lines?.provider.shutdown()])
    },
  }
}

/** Collects metrics when it is asked to, and sends nothing. */
function askedReader({ metrics }: Sdk): MetricReader {
  class AskedReader extends metrics.MetricReader {
    protected override async onForceFlush(): Promise<void> {}

    protected override async onShutdown(): Promise<void> {}
  }
  return new AskedReader()
}

function toPropagator({ core }: Sdk, names: readonly PropagatorName[]) {
  if (names.length === 0) return undefined
  const made = {
    tracecontext: () => new core.W3CTraceContextPropagator(),
    baggage: () => new core.W3CBaggagePropagator(),
  }
  return new core.CompositePropagator({ propagators: names.map((name) => made[name]()) })
}
