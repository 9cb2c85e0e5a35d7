import { describe, expect, it } from 'vitest'
import { type ObservabilityOptions, resolveOptions } from './observability-options.ts'
import { readTelemetrySettings } from './telemetry-settings.ts'

const read = (environment: Readonly<Record<string, string>> = {}, options: ObservabilityOptions = {}) =>
  readTelemetrySettings(resolveOptions(options), environment)

/** The messages of all problems. */
function problemsOf(run: () => unknown): readonly string[] {
  try {
    run()
    return []
  } catch (error) {
    return (error as { problems: readonly { message: string }[] }).problems.map(({ message }) => message)
  }
}

describe('without options and variables', () => {
  it('sends all signals over HTTP to a Collector beside the service, and keeps all traces that begin here', () => {
    expect(read()).toEqual({
      isDisabled: false,
      exports: Object.fromEntries(
        ['traces', 'metrics', 'logs'].map((signal) => [
          signal,
          {
            protocol: 'http/protobuf',
            url: `http://localhost:4318/v1/${signal}`,
            headers: {},
            timeoutMs: 10_000,
            compression: 'none',
          },
        ]),
      ),
      spanBatch: {
        maxQueueSize: 2_048,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 5_000,
        exportTimeoutMillis: 30_000,
      },
      logBatch: {
        maxQueueSize: 2_048,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: 30_000,
      },
      metricIntervalMs: 60_000,
      metricTimeoutMs: 30_000,
      sampler: 'traceidratio',
      isParentBased: true,
      sampleRatio: 1,
      propagators: ['tracecontext', 'baggage'],
      serviceName: undefined,
      resource: {},
    })
  })
})

describe('options', () => {
  it('say where and how', () => {
    const headers = { authorization: { reveal: () => 'Bearer x' }, tenant: 'a' }
    const { exports } = read({}, { endpoint: 'https://c:1/otlp/', headers, timeoutMs: 5, metrics: 'none' })
    expect(exports.traces).toMatchObject({
      url: 'https://c:1/otlp/v1/traces',
      headers: { authorization: 'Bearer x', tenant: 'a' },
      timeoutMs: 5,
    })
    expect(exports.metrics).toBeUndefined()
    expect(read({}, { protocol: 'grpc' }).exports.logs).toMatchObject({
      url: 'http://localhost:4317',
      headers: undefined,
    })
  })

  it('are all named that do not fit, at once, and no header is shown', () => {
    const options: object = {
      endpoint: 'collector:4318',
      protocol: 'http/json',
      headers: { authorization: 5 },
      timeoutMs: 0,
      sampleRatio: 2,
      metricIntervalMs: 0.5,
      traces: 'console',
      resource: { a: 1 },
      sampling: 1,
    }
    expect(problemsOf(() => resolveOptions(options))).toEqual([
      expect.stringContaining('"sampling" is no option'),
      'observability: endpoint must be a URL such as http://collector:4318, found "collector:4318"',
      'observability: protocol must be one of http/protobuf, grpc, found "http/json"',
      'observability: timeoutMs must be a whole number from 1 to 600000, found 0',
      'observability: metricIntervalMs must be a whole number from 1 to 3600000, found 0.5',
      'observability: sampleRatio must be from 0 to 1, found 2',
      'observability: traces must be one of otlp, none, found "console"',
      'observability: headers: authorization must be a text, or a secret()',
      'observability: resource: a must be a text, found 1',
    ])
  })
})

describe('variables', () => {
  it('count before options, and those of a signal before those of all', () => {
    const { exports, ...others } = read(
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:1/',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://logs:2/own',
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b,x=1',
        OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'y=2',
        OTEL_EXPORTER_OTLP_TIMEOUT: '700',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
        OTEL_BLRP_SCHEDULE_DELAY: '0',
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
        OTEL_PROPAGATORS: 'baggage',
        OTEL_SERVICE_NAME: 'other',
        OTEL_RESOURCE_ATTRIBUTES: 'team=a%2Cb,zone=1',
      },
      { endpoint: 'http://option:1', headers: { z: '3' }, sampleRatio: 0.5, resource: { zone: '2', rack: '3' } },
    )
    const shared = { timeoutMs: 700, compression: 'gzip' }
    expect(exports).toEqual({
      traces: {
        protocol: 'http/protobuf',
        url: 'http://all:1/v1/traces',
        headers: { 'api-key': 'a b', x: '1' },
        ...shared,
      },
      metrics: { protocol: 'grpc', url: 'http://all:1/', headers: undefined, ...shared },
      logs: { protocol: 'http/protobuf', url: 'http://logs:2/own', headers: { y: '2' }, ...shared },
    })
    expect(others).toMatchObject({
      spanBatch: { maxQueueSize: 100, maxExportBatchSize: 100 },
      logBatch: { scheduledDelayMillis: 0 },
      metricIntervalMs: 1_000,
      sampler: 'traceidratio',
      isParentBased: false,
      sampleRatio: 0.25,
      propagators: ['baggage'],
      serviceName: 'other',
      resource: { team: 'a,b', zone: '1', rack: '3' },
    })
  })

  it('turn signals and all of it off', () => {
    const environment = { OTEL_TRACES_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none', OTEL_PROPAGATORS: 'none' }
    expect(read(environment)).toMatchObject({ exports: { traces: undefined, logs: undefined }, propagators: [] })
    expect(read({ OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'zipkin' }).isDisabled).toBe(true)
    expect(read({ OTEL_SDK_DISABLED: '1' }).isDisabled).toBe(false)
  })

  it('are all named that cannot be read, at once, and no header is shown', () => {
    const environment = {
      OTEL_TRACES_EXPORTER: 'zipkin',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'collector:1',
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'sesame',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
      OTEL_TRACES_SAMPLER_ARG: '2',
      OTEL_PROPAGATORS: 'b3',
    }
    const problems = problemsOf(() => read(environment))
    expect(new Set(problems)).toEqual(
      new Set([
        'OTEL_TRACES_EXPORTER: expected one of otlp, none, found "zipkin"',
        'OTEL_EXPORTER_OTLP_PROTOCOL: expected one of http/protobuf, grpc, found "http/json"',
        'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: expected a URL such as http://collector:4318, found "collector:1"',
        'OTEL_EXPORTER_OTLP_LOGS_HEADERS: expected name=value,name=value, values percent-encoded',
        'OTEL_BSP_MAX_QUEUE_SIZE: expected a whole number of 1 or more, found "many"',
        'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, found "2"',
        'OTEL_PROPAGATORS: expected some of tracecontext, baggage, none, found "b3"',
      ]),
    )
    expect(problems.join()).not.toContain('sesame')
  })
})
