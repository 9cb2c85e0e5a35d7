import { dirname, resolve } from 'node:path'
import { ConfigError } from '@tenon/core/registry'

/** A kubeconfig as it was parsed. */
export interface KubeconfigFile {
  readonly path: string
  readonly value: unknown
}

/** What of a kubeconfig counts: one cluster, seen by one user. */
export interface Kubeconfig {
  /** `https://10.0.0.1:6443`, perhaps with a path. */
  readonly server: URL
  readonly namespace: string | undefined
  readonly serverName: string | undefined
  readonly isVerified: boolean
  readonly ca: Material | undefined
  readonly cert: Material | undefined
  readonly key: Material | undefined
  readonly token: Material | undefined
}

/** Text, or the file that holds it, which may be replaced. */
export type Material = { readonly text: string } | { readonly path: string }

/**
 * Chooses the context. Of several files the first that has something counts; files that a file names are looked for beside it.
 *
 * @throws ConfigError `config.malformed`, `config.missing`; quotes no secret.
 * @see Kubernetes, client authentication (v1beta1) and kubeconfig (v1)
 */
export function chooseContext(files: readonly KubeconfigFile[], chosen?: string): Kubeconfig {
  const name = chosen ?? files.map(({ value }) => textOf(recordOf(value)['current-context'])).find(Boolean)
  if (name === undefined)
    throw missing(
      `${pathsOf(files)}: has no current-context: choose one with kubectl config use-context, or by option context`,
    )
  const context = findEntry(files, 'context', name).entry
  const cluster = findEntry(files, 'cluster', textOf(context['cluster']) ?? '')
  const userName = textOf(context['user'])
  const user = userName === undefined ? { path: cluster.path, entry: {} } : findEntry(files, 'user', userName)
  checkUser(user)
  return {
    ...readCluster(cluster),
    namespace: textOf(context['namespace']),
    cert: materialOf(user, 'client-certificate'),
    key: materialOf(user, 'client-key'),
    token: tokenOf(user),
  }
}

interface Found {
  readonly path: string
  readonly entry: Readonly<Record<string, unknown>>
}

function findEntry(files: readonly KubeconfigFile[], kind: 'context' | 'cluster' | 'user', name: string): Found {
  for (const { path, value } of files) {
    const entries = recordOf(value)[`${kind}s`]
    const entry = Array.isArray(entries) ? entries.map(recordOf).find((one) => one['name'] === name) : undefined
    if (entry) return { path, entry: recordOf(entry[kind]) }
  }
  throw missing(`${pathsOf(files)}: has no ${kind} ${JSON.stringify(name)}`)
}

function readCluster({ path, entry }: Found): Pick<Kubeconfig, 'server' | 'serverName' | 'isVerified' | 'ca'> {
  const server = textOf(entry['server']) ?? ''
  // The address is not quoted: it may hold a password.
  if (!/^https?:\/\/[^@]+$/.test(server) || !URL.canParse(server))
    throw malformed(`${path}: server must be an address such as https://10.0.0.1:6443`)
  if (entry['proxy-url'] !== undefined) throw malformed(`${path}: proxy-url is not supported: use kubectl proxy`)
  return {
    server: new URL(server),
    serverName: textOf(entry['tls-server-name']),
    isVerified: entry['insecure-skip-tls-verify'] !== true,
    ca: materialOf({ path, entry }, 'certificate-authority'),
  }
}

/** Programs that fetch credentials are not run: decision note 0078. */
function checkUser({ path, entry }: Found): void {
  const unsupported = ['exec', 'auth-provider', 'username'].find((name) => entry[name] !== undefined)
  if (unsupported === undefined) return
  const instead = 'run kubectl proxy and name its address as the server, or use a token (kubectl create token)'
  throw malformed(`${path}: a user with ${unsupported} is not supported: ${instead}`)
}

function tokenOf(user: Found): Material | undefined {
  const file = textOf(user.entry['tokenFile'])
  if (file !== undefined) return { path: beside(user.path, file) }
  const token = textOf(user.entry['token'])
  return token === undefined ? undefined : { text: token }
}

function materialOf({ path, entry }: Found, name: string): Material | undefined {
  const data = textOf(entry[`${name}-data`])
  if (data !== undefined) return { text: Buffer.from(data, 'base64').toString('utf8') }
  const file = textOf(entry[name])
  return file === undefined ? undefined : { path: beside(path, file) }
}

function beside(path: string, file: string): string {
  return resolve(dirname(path), file)
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function pathsOf(files: readonly KubeconfigFile[]): string {
  return files.map(({ path }) => path).join(', ')
}

function malformed(text: string): ConfigError {
  return new ConfigError([{ code: 'config.malformed', message: `kubernetesRegistry: ${text}` }])
}

function missing(text: string): ConfigError {
  return new ConfigError([{ code: 'config.missing', message: `kubernetesRegistry: ${text}` }])
}
