import { readFile } from 'node:fs/promises'
import { ConfigError } from '@tenon/core/registry'
import type { ClusterAccess, ClusterTls } from './cluster-access.ts'
import { chooseContext, type Kubeconfig, type KubeconfigFile, type Material } from './kubeconfig.ts'

/**
 * What the files of a kubeconfig say; of several, those that are there.
 *
 * @throws ConfigError `config.malformed`, `config.missing`
 */
export async function kubeconfigAccess(paths: readonly string[], context?: string): Promise<ClusterAccess> {
  const files = (await Promise.all(paths.map(readKubeconfig))).filter((file) => file !== undefined)
  if (files.length === 0) throw missing(paths)
  const chosen = chooseContext(files, context)
  const { server, namespace = 'default', token } = chosen
  if (server.protocol === 'http:' && token) throw malformed(files, 'a token is sent over https only')
  return {
    origin: server.origin,
    basePath: server.pathname.replace(/\/+$/, ''),
    namespace,
    tls: () => readTls(chosen),
    token: async () => (token ? (await read(token)).trim() : undefined),
  }
}

async function readKubeconfig(path: string): Promise<KubeconfigFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  // Only here: a pod has no kubeconfig.
  const { parse } = await import('yaml')
  try {
    return { path, value: parse(text) as unknown }
  } catch {
    // What yaml says quotes the text, which has secrets.
    throw malformed([{ path, value: undefined }], 'is not YAML')
  }
}

async function readTls({ ca, cert, key, serverName, isVerified }: Kubeconfig): Promise<ClusterTls> {
  return {
    ...(ca && { ca: await read(ca) }),
    ...(cert && { cert: await read(cert) }),
    ...(key && { key: await read(key) }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(!isVerified && { rejectUnauthorized: false }),
  }
}

async function read(material: Material): Promise<string> {
  return 'text' in material ? material.text : readFile(material.path, 'utf8')
}

function missing(paths: readonly string[]): ConfigError {
  const message = `kubernetesRegistry: there is no ${paths.join(' and no ')}: name a kubeconfig by option kubeconfig or by KUBECONFIG, or run in a pod with a service account`
  return new ConfigError([{ code: 'config.missing', message }])
}

function malformed(files: readonly KubeconfigFile[], text: string): ConfigError {
  const message = `kubernetesRegistry: ${files.map(({ path }) => path).join(', ')}: ${text}`
  return new ConfigError([{ code: 'config.malformed', message }])
}
