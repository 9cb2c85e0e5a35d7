import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '@tenon/core/registry'
import type { ClusterAccess, Environment } from './cluster-access.ts'

/**
 * What a pod is given whose service account is mounted.
 *
 * @see Kubernetes, Accessing the Kubernetes API from a Pod
 */
export async function serviceAccountAccess(
  environment: Environment,
  folder = '/var/run/secrets/kubernetes.io/serviceaccount',
): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port } = environment
  const read = (name: string) => readAccount(join(folder, name))
  return {
    origin: new URL(`https://${toHostPort(host, port)}`).origin,
    basePath: '',
    namespace: await read('namespace'),
    tls: async () => ({ ca: await read('ca.crt') }),
    token: () => read('token'),
  }
}

export function toHostPort(host: string, port = '443'): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

async function readAccount(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const message = `kubernetesRegistry: the pod has no ${path}: give it a service account with the Role in the README of @tenon/registry-kubernetes, and set automountServiceAccountToken: true in its spec`
    throw new ConfigError([{ code: 'config.missing', message }], cause)
  }
}
