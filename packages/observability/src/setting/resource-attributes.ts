import { hostname } from 'node:os'
import type { Environment, ServiceIdentity } from '@tenon/core'
import type { TelemetrySettings } from './telemetry-settings.ts'

/**
 * What is true of all that a service tells: what it is, where it runs, and what its settings add, which count before the rest.
 *
 * @see OpenTelemetry semantic conventions, resource: service, host, process, k8s
 */
export function resourceAttributes(
  { name, version, instanceId }: ServiceIdentity,
  { serviceName, resource }: Pick<TelemetrySettings, 'serviceName' | 'resource'>,
  environment: Environment,
): Readonly<Record<string, string | number>> {
  return {
    'service.name': name,
    'service.version': version,
    'service.instance.id': instanceId,
    'host.name': hostname(),
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    ...kubernetesAttributes(environment),
    ...resource,
    ...(serviceName !== undefined && { 'service.name': serviceName }),
  }
}

/** By variables that a manifest fills from the downward API: `fieldRef` of `metadata.name`, `metadata.namespace`, `metadata.uid` and `spec.nodeName`. */
const downwardVariables = {
  POD_NAME: 'k8s.pod.name',
  POD_NAMESPACE: 'k8s.namespace.name',
  POD_UID: 'k8s.pod.uid',
  NODE_NAME: 'k8s.node.name',
} as const

function kubernetesAttributes(environment: Environment): Readonly<Record<string, string>> {
  if (environment['KUBERNETES_SERVICE_HOST'] === undefined) return {}
  const told = Object.entries(downwardVariables).flatMap(([variable, attribute]) => {
    const value = environment[variable]
    return value ? [[attribute, value] as const] : []
  })
  // A pod is its host's name unless its manifest says otherwise.
  return { 'k8s.pod.name': hostname(), ...Object.fromEntries(told) }
}
