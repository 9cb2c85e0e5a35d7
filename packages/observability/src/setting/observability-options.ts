import { ConfigError, type SetupProblem } from '@tenon/core'
import { givenOnly, isRecord, optionCheck, toFound } from '@tenon/core/transport'

/** What is sent, where to, and how much of it. What the standard variables `OTEL_*` say counts before what stands here. */
export interface ObservabilityOptions {
  /**
   * Where a Collector takes OTLP, for all three signals: `http://collector:4318`. Each signal adds its path over HTTP, such as `/v1/traces`.
   * `OTEL_EXPORTER_OTLP_ENDPOINT` takes its place, and `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and its siblings for one signal, as they are.
   *
   * @defaultValue `http://localhost:4318`, over gRPC `http://localhost:4317`
   * @throws ConfigError `config.malformed`
   * @see OpenTelemetry protocol exporter specification
   */
  readonly endpoint?: string
  /** How it is sent. `OTEL_EXPORTER_OTLP_PROTOCOL` takes its place. @defaultValue `http/protobuf` @throws ConfigError `config.malformed` */
  readonly protocol?: 'http/protobuf' | 'grpc'
  /**
   * What each request over HTTP carries, such as an authorization: a text, or something that reveals it, such as a `Secret`. `OTEL_EXPORTER_OTLP_HEADERS`
   * takes their place; over gRPC only that variable counts.
   *
   * @defaultValue none
   * @throws ConfigError `config.malformed`
   */
  readonly headers?: Readonly<Record<string, string | { reveal(): string }>>
  /**
   * How long a batch is tried, repetitions included, before it is lost. `OTEL_EXPORTER_OTLP_TIMEOUT` takes its place.
   *
   * @defaultValue 10_000
   * @remarks Range 1–600_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly timeoutMs?: number
  /**
   * Which part of the traces that begin here is kept; of the others, whoever began them has decided. `OTEL_TRACES_SAMPLER` and
   * `OTEL_TRACES_SAMPLER_ARG` take its place.
   *
   * @defaultValue 1, all
   * @remarks Range 0–1
   * @throws ConfigError `config.out_of_range`
   */
  readonly sampleRatio?: number
  /** How often metrics are sent. `OTEL_METRIC_EXPORT_INTERVAL` takes its place. @defaultValue 60_000 @remarks Range 1–3_600_000 ms @throws ConfigError `config.out_of_range` */
  readonly metricIntervalMs?: number
  /** Whether spans are sent. `OTEL_TRACES_EXPORTER` takes its place. @defaultValue `otlp` @throws ConfigError `config.malformed` */
  readonly traces?: 'otlp' | 'none'
  /** Whether metrics are sent; `/metrics` shows them in either case. `OTEL_METRICS_EXPORTER` takes its place. @defaultValue `otlp` @throws ConfigError `config.malformed` */
  readonly metrics?: 'otlp' | 'none'
  /** Whether lines of log are sent, which are written to standard output in either case. `OTEL_LOGS_EXPORTER` takes its place. @defaultValue `otlp` @throws ConfigError `config.malformed` */
  readonly logs?: 'otlp' | 'none'
  /**
   * What else is true of the service: `deployment.environment.name`. `OTEL_RESOURCE_ATTRIBUTES` counts before each of the same name.
   *
   * @defaultValue nothing besides name, version, instance, host and what Kubernetes tells
   * @throws ConfigError `config.malformed`
   */
  readonly resource?: Readonly<Record<string, string>>
}

/** What is used where neither an option nor a variable says otherwise. */
export const observabilityDefaults = Object.freeze({
  protocol: 'http/protobuf',
  timeoutMs: 10_000,
  sampleRatio: 1,
  metricIntervalMs: 60_000,
  traces: 'otlp',
  metrics: 'otlp',
  logs: 'otlp',
} satisfies ObservabilityOptions)

/** Options with those filled in that have a default. */
export type FilledOptions = ObservabilityOptions &
  Required<Pick<ObservabilityOptions, keyof typeof observabilityDefaults>>

/** @throws ConfigError `config.malformed`, `config.out_of_range`; all problems at once. */
export function resolveOptions(options: ObservabilityOptions): FilledOptions {
  if (!isRecord(options)) throw new ConfigError([check.malformed(`expected an object, found ${toFound(options)}`)])
  const problems = checkOptions(options)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...observabilityDefaults, ...givenOnly(options) })
}

const check = optionCheck('observability')

const names = Object.keys({
  endpoint: true,
  protocol: true,
  headers: true,
  timeoutMs: true,
  sampleRatio: true,
  metricIntervalMs: true,
  traces: true,
  metrics: true,
  logs: true,
  resource: true,
} satisfies Record<keyof ObservabilityOptions, true>)

function checkOptions(options: ObservabilityOptions): readonly SetupProblem[] {
  const { endpoint, protocol, timeoutMs, metricIntervalMs, sampleRatio } = {
    ...observabilityDefaults,
    ...givenOnly(options),
  }
  const { traces = 'otlp', metrics = 'otlp', logs = 'otlp' } = options
  return [
    ...check.names(options, names),
    ...(endpoint === undefined || isHttpUrl(endpoint)
      ? []
      : [check.malformed(`endpoint must be a URL such as http://collector:4318, found ${toFound(endpoint)}`)]),
    ...check.choice('protocol', protocol, ['http/protobuf', 'grpc']),
    ...check.integer('timeoutMs', timeoutMs, { min: 1, max: 600_000 }),
    ...check.integer('metricIntervalMs', metricIntervalMs, { min: 1, max: 3_600_000 }),
    ...(sampleRatio >= 0 && sampleRatio <= 1
      ? []
      : [check.outOfRange(`sampleRatio must be from 0 to 1, found ${toFound(sampleRatio)}`)]),
    ...check.choice('traces', traces, ['otlp', 'none']),
    ...check.choice('metrics', metrics, ['otlp', 'none']),
    ...check.choice('logs', logs, ['otlp', 'none']),
    ...checkHeaders(options.headers),
    ...checkResource(options.resource),
  ]
}

export function isHttpUrl(text: unknown): boolean {
  return typeof text === 'string' && ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '')
}

/** Never shows a value, which may be a secret. */
function checkHeaders(headers: unknown): readonly SetupProblem[] {
  if (headers === undefined) return []
  if (!isRecord(headers)) return [check.malformed(`headers must be texts by name, found ${toFound(headers)}`)]
  return Object.entries(headers)
    .filter(([, value]) => typeof value !== 'string' && !isRevealing(value))
    .map(([name]) => check.malformed(`headers: ${name} must be a text, or a secret()`))
}

function isRevealing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'reveal' in value && typeof value.reveal === 'function'
}

function checkResource(resource: unknown): readonly SetupProblem[] {
  if (resource === undefined) return []
  if (!isRecord(resource)) return [check.malformed(`resource must be texts by name, found ${toFound(resource)}`)]
  return Object.entries(resource)
    .filter(([, value]) => typeof value !== 'string')
    .map(([name, value]) => check.malformed(`resource: ${name} must be a text, found ${toFound(value)}`))
}
