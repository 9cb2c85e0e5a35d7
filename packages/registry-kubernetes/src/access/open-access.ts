import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { KubernetesSettings } from '../kubernetes-options.ts'
import type { ClusterAccess, Environment } from './cluster-access.ts'
import { kubeconfigAccess } from './kubeconfig-access.ts'
import { serviceAccountAccess, toHostPort } from './service-account.ts'

/** @throws ConfigError `config.malformed` for a kubeconfig or a service account that cannot be used. */
export async function openAccess(settings: KubernetesSettings, environment: Environment): Promise<ClusterAccess> {
  if (isInCluster(settings, environment)) return serviceAccountAccess(environment)
  return kubeconfigAccess(kubeconfigPaths(settings, environment), settings.context)
}

/** For whoever has to open a way to the API server: in a pod what the pod was told, else its name in a cluster. */
export function peerOf(settings: KubernetesSettings, environment: Environment): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  return isInCluster(settings, environment) && host ? toHostPort(host, port) : 'kubernetes.default.svc:443'
}

function isInCluster({ kubeconfig, context }: KubernetesSettings, environment: Environment): boolean {
  return !kubeconfig && !context && !environment['KUBECONFIG'] && Boolean(environment['KUBERNETES_SERVICE_HOST'])
}

/** @see Kubernetes, Organizing Cluster Access Using kubeconfig Files */
function kubeconfigPaths({ kubeconfig }: KubernetesSettings, environment: Environment): readonly string[] {
  if (kubeconfig !== undefined) return [kubeconfig]
  const listed = environment['KUBECONFIG']?.split(delimiter).filter((path) => path !== '') ?? []
  return listed.length > 0 ? listed : [join(environment['HOME'] ?? homedir(), '.kube', 'config')]
}
