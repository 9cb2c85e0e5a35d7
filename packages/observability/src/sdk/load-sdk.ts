import { ConfigError } from '@tenon/core'
import type { Protocol, Signal } from '../setting/telemetry-settings.ts'

/**
 * Loads the SDK, which whoever does not collect telemetry need not install. The versions 2.12 and later, and 3, have what is used here. Each
 * import has a `catch` of its own, by which bundlers know that the package need not be there.
 */
const parts = {
  contexts: () => import('@opentelemetry/context-async-hooks').catch(missing('context-async-hooks')),
  core: () => import('@opentelemetry/core').catch(missing('core')),
  resources: () => import('@opentelemetry/resources').catch(missing('resources')),
  logs: () => import('@opentelemetry/sdk-logs').catch(missing('sdk-logs')),
  metrics: () => import('@opentelemetry/sdk-metrics').catch(missing('sdk-metrics')),
  traces: () => import('@opentelemetry/sdk-trace').catch(missing('sdk-trace')),
} as const

/** The packages of the SDK. */
export type Sdk = { readonly [Part in keyof typeof parts]: Awaited<ReturnType<(typeof parts)[Part]>> }

/** What makes exporters, by protocol. */
const exporters = {
  'http/protobuf': {
    traces: () => import('@opentelemetry/exporter-trace-otlp-proto').catch(missing('exporter-trace-otlp-proto')),
    metrics: () => import('@opentelemetry/exporter-metrics-otlp-proto').catch(missing('exporter-metrics-otlp-proto')),
    logs: () => import('@opentelemetry/exporter-logs-otlp-proto').catch(missing('exporter-logs-otlp-proto')),
  },
  grpc: {
    traces: () => import('@opentelemetry/exporter-trace-otlp-grpc').catch(missing('exporter-trace-otlp-grpc')),
    metrics: () => import('@opentelemetry/exporter-metrics-otlp-grpc').catch(missing('exporter-metrics-otlp-grpc')),
    logs: () => import('@opentelemetry/exporter-logs-otlp-grpc').catch(missing('exporter-logs-otlp-grpc')),
  },
} as const satisfies Record<Protocol, Record<Signal, () => Promise<unknown>>>

type ExporterModules = { readonly [Name in Signal]: Awaited<ReturnType<(typeof exporters)[Protocol][Name]>> }

/** @throws ConfigError `config.package` naming the command that installs what is missing */
export async function loadSdk(): Promise<Sdk> {
  const [contexts, core, resources, logs, metrics, traces] = await Promise.all([
    parts.contexts(),
    parts.core(),
    parts.resources(),
    parts.logs(),
    parts.metrics(),
    parts.traces(),
  ])
  return { contexts, core, resources, logs, metrics, traces }
}

/** What sends one signal. @throws ConfigError `config.package` naming the command that installs what is missing */
export function loadExporter<Name extends Signal>(signal: Name, protocol: Protocol): Promise<ExporterModules[Name]> {
  return exporters[protocol][signal]() as Promise<ExporterModules[Name]>
}

const sdkPackages = ['context-async-hooks', 'core', 'resources', 'sdk-logs', 'sdk-metrics', 'sdk-trace']

/** Says how all are installed that the same service needs. */
function missing(name: string): (cause: unknown) => never {
  return (cause) => {
    const wire = name.endsWith('-grpc') ? 'grpc' : 'proto'
    const all = [...sdkPackages, ...['trace', 'metrics', 'logs'].map((signal) => `exporter-${signal}-otlp-${wire}`)]
    const command = `npm install ${all.map((one) => `@opentelemetry/${one}`).join(' ')}`
    const message = `observability: needs the package @opentelemetry/${name}, which cannot be loaded: run \`${command}\``
    throw new ConfigError([{ code: 'config.package', message }], cause)
  }
}
