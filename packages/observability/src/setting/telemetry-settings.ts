import { ConfigError, type Environment } from '@tenon/core'
import { type FilledOptions, isHttpUrl } from './observability-options.ts'
import { VariableReader } from './read-variable.ts'

/** The three kinds of telemetry, as variables name them. */
export const signals = Object.freeze(['traces', 'metrics', 'logs'] as const)

export type Signal = (typeof signals)[number]

export type Protocol = 'http/protobuf' | 'grpc'

/** Where and how one signal is sent. */
export interface ExportSettings {
  readonly protocol: Protocol
  readonly url: string
  /** Undefined over gRPC, whose exporter reads the variable itself. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly timeoutMs: number
  readonly compression: 'none' | 'gzip'
}

/** What is kept back before it is sent; what comes beyond it is dropped. */
export interface BatchSettings {
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
}

export type SamplerName = 'always_on' | 'always_off' | 'traceidratio'

export type PropagatorName = 'tracecontext' | 'baggage'

export interface TelemetrySettings {
  readonly isDisabled: boolean
  /** By signal; undefined for one that is not sent. */
  readonly exports: Readonly<Record<Signal, ExportSettings | undefined>>
  readonly spanBatch: BatchSettings
  readonly logBatch: BatchSettings
  readonly metricIntervalMs: number
  readonly metricTimeoutMs: number
  readonly sampler: SamplerName
  /** Whether who began a trace decides, where it began elsewhere. */
  readonly isParentBased: boolean
  readonly sampleRatio: number
  readonly propagators: readonly PropagatorName[]
  /** Undefined for the name of the service. */
  readonly serviceName: string | undefined
  readonly resource: Readonly<Record<string, string>>
}

/**
 * Options, and before them what the environment says.
 *
 * @throws ConfigError `config.malformed` all variables that cannot be read, at once
 * @see OpenTelemetry, environment variable specification
 */
export function readTelemetrySettings(options: FilledOptions, environment: Environment): TelemetrySettings {
  const reader = new VariableReader(environment)
  const settings: TelemetrySettings = {
    isDisabled: reader.flag('OTEL_SDK_DISABLED'),
    exports: {
      traces: exportSettings('traces', options, reader),
      metrics: exportSettings('metrics', options, reader),
      logs: exportSettings('logs', options, reader),
    },
    spanBatch: batchSettings('OTEL_BSP', 5_000, reader),
    logBatch: batchSettings('OTEL_BLRP', 1_000, reader),
    metricIntervalMs: reader.integer(options.metricIntervalMs, 1, 'OTEL_METRIC_EXPORT_INTERVAL'),
    metricTimeoutMs: reader.integer(30_000, 1, 'OTEL_METRIC_EXPORT_TIMEOUT'),
    ...samplerSettings(options, reader),
    propagators: propagatorNames(reader),
    serviceName: reader.text('OTEL_SERVICE_NAME'),
    resource: { ...options.resource, ...reader.pairs('OTEL_RESOURCE_ATTRIBUTES') },
  }
  // One that collects nothing is not to fail over how it would.
  if (reader.problems.length > 0 && !settings.isDisabled) throw new ConfigError(reader.problems)
  return Object.freeze(settings)
}

const protocols = ['http/protobuf', 'grpc'] as const

function exportSettings(signal: Signal, options: FilledOptions, reader: VariableReader): ExportSettings | undefined {
  const upper = signal.toUpperCase()
  const exporter = reader.choice(options[signal], ['otlp', 'none'], `OTEL_${upper}_EXPORTER`)
  if (exporter === 'none') return undefined
  const both = (name: string) => [`OTEL_EXPORTER_OTLP_${upper}_${name}`, `OTEL_EXPORTER_OTLP_${name}`] as const
  const protocol = reader.choice(options.protocol, protocols, ...both('PROTOCOL'))
  return {
    protocol,
    url: urlOf(signal, { protocol, endpoint: options.endpoint }, reader),
    headers: protocol === 'grpc' ? undefined : (reader.pairs(...both('HEADERS')) ?? revealed(options.headers)),
    timeoutMs: reader.integer(options.timeoutMs, 1, ...both('TIMEOUT')),
    compression: reader.choice('none', ['none', 'gzip'], ...both('COMPRESSION')),
  }
}

interface Target {
  readonly protocol: Protocol
  readonly endpoint: string | undefined
}

/** A signal's own variable is taken as it is; what all share is given the path of the signal, where there are paths. */
function urlOf(signal: Signal, { protocol, endpoint }: Target, reader: VariableReader): string {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
  const shared = 'OTEL_EXPORTER_OTLP_ENDPOINT'
  for (const name of [own, shared])
    if (!isHttpUrl(reader.text(name) ?? 'http://-')) reader.refuse(name, 'a URL such as http://collector:4318')
  const ownUrl = reader.text(own)
  if (ownUrl !== undefined) return ownUrl
  const base = reader.text(shared) ?? endpoint ?? defaultEndpoints[protocol]
  return protocol === 'grpc' ? base : `${base.replace(/\/+$/, '')}/v1/${signal}`
}

/** @see OpenTelemetry protocol exporter specification, endpoint */
const defaultEndpoints = { 'http/protobuf': 'http://localhost:4318', grpc: 'http://localhost:4317' } as const

function revealed(headers: FilledOptions['headers'] = {}): Readonly<Record<string, string>> {
  const shown = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : value.reveal(),
  ])
  return Object.fromEntries(shown) as Record<string, string>
}

function batchSettings(prefix: string, delayMs: number, reader: VariableReader): BatchSettings {
  const maxQueueSize = reader.integer(2_048, 1, `${prefix}_MAX_QUEUE_SIZE`)
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(reader.integer(512, 1, `${prefix}_MAX_EXPORT_BATCH_SIZE`), maxQueueSize),
    scheduledDelayMillis: reader.integer(delayMs, 0, `${prefix}_SCHEDULE_DELAY`),
    exportTimeoutMillis: reader.integer(30_000, 1, `${prefix}_EXPORT_TIMEOUT`),
  }
}

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

function samplerSettings({ sampleRatio }: FilledOptions, reader: VariableReader) {
  const name = reader.choice('parentbased_traceidratio', samplers, 'OTEL_TRACES_SAMPLER')
  const isRatio = name.endsWith('traceidratio')
  return {
    sampler: name.replace('parentbased_', '') as SamplerName,
    isParentBased: name.startsWith('parentbased_'),
    sampleRatio: isRatio ? reader.ratio(sampleRatio, 'OTEL_TRACES_SAMPLER_ARG') : sampleRatio,
  }
}

function propagatorNames(reader: VariableReader): readonly PropagatorName[] {
  const named = reader.choices(['tracecontext', 'baggage'], ['tracecontext', 'baggage', 'none'], 'OTEL_PROPAGATORS')
  return named.includes('none') ? [] : named.flatMap((name) => (name === 'none' ? [] : [name]))
}
