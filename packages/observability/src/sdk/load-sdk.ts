import { ConfigError } from '@tenon/core'
import type { Protocol, Signal } from '../setting/telemetry-settings.ts'

/** Loads the SDK, which whoever does not collect telemetry need not install. The versions 2.12 and later, and 3, have what is used here. */
const parts = {
  contexts: () => import('@opentelemetry/context-async-hooks'),
  core: () => import('@opentelemetry/core'),
  resources: () => import('@opentelemetry/resources'),
  logs: () => import('@opentelemetry/sdk-logs'),
  metrics: () => import('@opentelemetry/sdk-metrics'),
  traces: () => import('@opentelemetry/sdk-trace'),
} as const

const packages = {
  contexts: 'context-async-hooks',
  core: 'core',
  resources: 'resources',
  logs: 'sdk-logs',
  metrics: 'sdk-metrics',
  traces: 'sdk-trace',
} as const satisfies Record<keyof typeof parts, string>

/** The packages of the SDK. */
export type Sdk = { readonly [Part in keyof typeof parts]: Awaited<ReturnType<(typeof parts)[Part]>> }

/** What makes exporters, by protocol. */
const exporters = {
  'http/protobuf': {
    traces: () => import('@opentelemetry/exporter-trace-otlp-proto'),
    metrics: () => import('@opentelemetry/exporter-metrics-otlp-proto'),
    logs: () => import('@opentelemetry/exporter-logs-otlp-proto'),
  },
  grpc: {
    traces: () => import('@opentelemetry/exporter-trace-otlp-grpc'),
    metrics: () => import('@opentelemetry/exporter-metrics-otlp-grpc'),
    logs: () => import('@opentelemetry/exporter-logs-otlp-grpc'),
  },
} as const satisfies Record<Protocol, Record<Signal, () => Promise<unknown>>>

type ExporterModules = { readonly [Name in Signal]: Awaited<ReturnType<(typeof exporters)[Protocol][Name]>> }

/** @throws ConfigError `config.package` naming the command that installs what is missing */
export async function loadSdk(): Promise<Sdk> {
  const [contexts, core, resources, logs, metrics, traces] = await Promise.all([
    installed(packages.contexts, parts.contexts),
    installed(packages.core, parts.core),
    installed(packages.resources, parts.resources),
    installed(packages.logs, parts.logs),
    installed(packages.metrics, parts.metrics),
    installed(packages.traces, parts.traces),
  ])
  return { contexts, core, resources, logs, metrics, traces }
}

/** What sends one signal. @throws ConfigError `config.package` naming the command that installs what is missing */
export function loadExporter<Name extends Signal>(signal: Name, protocol: Protocol): Promise<ExporterModules[Name]> {
  const load = exporters[protocol][signal] as () => Promise<ExporterModules[Name]>
  return installed(exporterPackage(signal, protocol), load)
}

function exporterPackage(signal: Signal, protocol: Protocol): string {
  return `exporter-${signal === 'traces' ? 'trace' : signal}-otlp-${protocol === 'grpc' ? 'grpc' : 'proto'}`
}

/** Loads one package, or says how all are installed that the same service needs. */
async function installed<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    const protocol: Protocol = name.endsWith('-grpc') ? 'grpc' : 'http/protobuf'
    const all = [
      ...Object.values(packages),
      ...(['traces', 'metrics', 'logs'] as const).map((one) => exporterPackage(one, protocol)),
    ]
    const command = `npm install ${all.map((one) => `@opentelemetry/${one}`).join(' ')}`
    const message = `observability: needs the package @opentelemetry/${name}, which cannot be loaded: run \`${command}\``
    throw new ConfigError([{ code: 'config.package', message }], cause)
  }
}
